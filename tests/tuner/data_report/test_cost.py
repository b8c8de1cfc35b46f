"""Hours and dollars: by formula where everything is known, unknown otherwise."""

from dataclasses import replace

import pytest

from tests.tuner.data_report.reports import A100
from tuner.data_report.cost import Hardware, estimate_cost
from tuner.data_report.hardware import find_hardware


def test_hours_follow_from_operations_peak_and_utilization() -> None:
    # 6 operations x 1e9 parameters x 1e9 tokens = 6e18; at 312e12 a second this takes 5.342 hours.
    cost = estimate_cost(10**9, 10**9, A100)
    assert cost.operations_per_token == 6 * 10**9
    assert cost.hours == pytest.approx((5.342 / 0.4, 5.342 / 0.15), rel=1e-3)
    assert cost.dollars == pytest.approx((5.342 / 0.4 * 3.673, 5.342 / 0.15 * 3.673), rel=1e-3)
    assert cost.unknown == ()


@pytest.mark.parametrize(
    ("processes", "per_update", "faster"),
    [(4, 8, 4), (4, 2, 2), (4, None, 4), (1, 8, 1)],
    ids=["all compute", "two have nothing to compute", "unknown", "alone"],
)
def test_processes_share_the_time(processes: int, per_update: int | None, faster: int) -> None:
    one = estimate_cost(1000, 10**9, A100).hours
    hardware = replace(A100, processes=processes)
    several = estimate_cost(1000, 10**9, hardware, per_update=per_update).hours
    assert one is not None and several is not None
    assert one[0] / several[0] == pytest.approx(faster)


def test_checkpointing_costs_another_forward_pass() -> None:
    without = estimate_cost(1000, 10**9, A100, checkpointing=False)
    with_it = estimate_cost(1000, 10**9, A100)
    assert without.hours is not None and with_it.hours is not None
    assert with_it.hours[0] / without.hours[0] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("parameters", "hardware", "unknown", "has_hours"),
    [
        (None, A100, ("the model's size",), False),
        (10**9, Hardware(), ("the GPU's speed", "the node's price"), False),
        (10**9, Hardware(peak_tflops=100), ("the node's price",), True),
        (None, Hardware(), ("the model's size", "the GPU's speed", "the node's price"), False),
        (10**9, Hardware(price_per_hour=2.0), ("the GPU's speed",), False),
    ],
)
def test_what_is_unknown_is_not_invented(
    parameters: int | None, hardware: Hardware, unknown: tuple[str, ...], has_hours: bool
) -> None:
    cost = estimate_cost(1000, parameters, hardware)
    assert cost.unknown == unknown
    assert (cost.hours is not None) == has_hours
    assert cost.dollars is None


@pytest.mark.parametrize("name", ["Standard_NC24ads_A100_v4", "standard_nc24ads_a100_v4"])
def test_hardware_of_a_known_instance_type(name: str) -> None:
    assert find_hardware(name) == A100


def test_a_price_that_is_given_overrides_the_list_price() -> None:
    hardware = find_hardware("Standard_NC24ads_A100_v4", 1.5)
    assert (hardware.price_per_hour, hardware.price_source) == (1.5, "your price")


@pytest.mark.parametrize("name", ["", "Standard_Foo"])
def test_hardware_of_an_unknown_instance_type(name: str) -> None:
    assert find_hardware(name) == Hardware(instance_type=name)


def test_an_instance_type_without_a_list_price() -> None:
    hardware = find_hardware("Standard_ND96isr_H200_v5")
    assert (hardware.peak_tflops, hardware.price_per_hour) == (989, None)
