"""The effects of faults and quota on a request for capacity."""

from typing import Any

import pytest

from tests.aks_emulator.builders import FAMILY, GPU_SIZE, IDS, SETTINGS, created, fault
from tools.aks_emulator.core.availability import CapacityRequest, sku_json, usages
from tools.aks_emulator.core.catalog import find
from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.fault_injection import Outcome, inject
from tools.aks_emulator.core.faults import Faults
from tools.aks_emulator.core.model import State

SIZE = find(SETTINGS.catalog, GPU_SIZE.upper())
assert SIZE is not None


def capacity(**changes: Any) -> CapacityRequest:
    fields: dict[str, object] = {
        "pool": "ws1", "size": SIZE, "nodes": 1, "spot": False, "zones": (), **changes
    }  # fmt: skip
    return CapacityRequest(**fields)  # type: ignore[arg-type]


def injected(
    faults: Faults, state: State | None = None, **changes: Any
) -> tuple[Outcome | ArmError, Faults]:
    return inject(faults, capacity(**changes), state or State(), SETTINGS.catalog, IDS.location)


@pytest.mark.parametrize(
    ("limits", "changes", "text"),
    [
        pytest.param({FAMILY: 5}, {}, f"requested 6, remaining 5 for family {FAMILY}", id="family"),
        pytest.param(
            {"cores": 5}, {}, "left regional vcpu quota 5, requested quota 6", id="region"
        ),
        pytest.param({FAMILY: 6}, {"nodes": 2}, "requested 12, remaining 6", id="two nodes"),
        pytest.param({FAMILY: 6, "cores": 6}, {}, None, id="enough"),
        pytest.param({FAMILY: 0, "cores": 0}, {"spot": True}, None, id="spot has its own"),
        pytest.param({"lowPriorityCores": 5}, {"spot": True}, "quota 5", id="no spot quota"),
    ],
)
def test_exhausted_quota_is_an_error(
    limits: dict[str, int], changes: dict[str, Any], text: str | None
) -> None:
    outcome, _ = injected((), State(limits=limits), **changes)
    assert (isinstance(outcome, ArmError) and text is not None and text in outcome.message) or (
        outcome == Outcome() and text is None
    )


def test_running_pool_uses_quota() -> None:
    state = created().state
    used = {usage.name: usage.used for usage in usages(state, SETTINGS.catalog, ())}
    assert (used[FAMILY], used["cores"], used["lowPriorityCores"]) == (6, 6, 0)


@pytest.mark.parametrize(
    ("kind", "fields", "changes", "struck"),
    [
        pytest.param("no-family-quota", {}, {}, True, id="any"),
        pytest.param("no-family-quota", {"vm_size": "*NC6S*"}, {}, True, id="size, any case"),
        pytest.param("no-family-quota", {"vm_size": "*A100*"}, {}, False, id="another size"),
        pytest.param("allocation-failed", {"pool": "ws*"}, {}, True, id="pool"),
        pytest.param("allocation-failed", {"pool": "no*"}, {}, False, id="another pool"),
        pytest.param("zone-restricted", {"zone": "2"}, {"zones": ("2",)}, True, id="zone"),
        pytest.param("zone-restricted", {"zone": "2"}, {"zones": ("1",)}, False, id="other zone"),
        pytest.param("zone-restricted", {}, {}, False, id="no zone asked"),
    ],
)
def test_fault_strikes_matching_requests_only(
    kind: str, fields: dict[str, Any], changes: dict[str, Any], struck: bool
) -> None:
    outcome, _ = injected((fault(kind, **fields),), **changes)
    assert (outcome != Outcome()) is struck


def test_fault_strikes_as_often_as_its_count() -> None:
    faults: Faults = (fault("allocation-failed", count=2),)
    for remaining in (1, 0):
        outcome, faults = injected(faults)
        assert isinstance(outcome, Outcome)
        assert outcome.verdict is not None
        assert len(faults) == remaining
    assert injected(faults)[0] == Outcome()


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        pytest.param("never-joins", Outcome(boots=False), id="never joins"),
        pytest.param("slow", Outcome(extra_seconds=5), id="slow"),
    ],
)
def test_fault_without_an_error(kind: str, outcome: Outcome) -> None:
    assert injected((fault(kind),))[0] == outcome


def test_failed_operation_can_have_a_machine_that_joins_later() -> None:
    outcome, _ = injected((fault("fails-then-joins", seconds=9), fault("slow", seconds=4)))
    assert isinstance(outcome, Outcome)
    assert outcome.verdict is not None
    assert (outcome.joins_after, outcome.extra_seconds, outcome.boots) == (9, 4, False)


def test_listings_show_standing_faults_unless_hidden() -> None:
    size = SIZE
    assert size is not None
    shown = (fault("no-family-quota", vm_size=GPU_SIZE), fault("sku-not-available"))
    remaining = {u.name: u.remaining for u in usages(State(), SETTINGS.catalog, shown)}
    assert remaining[FAMILY] == 0
    assert remaining["cores"] > 0
    [restriction] = sku_json(size, "eastus", shown)["restrictions"]
    assert restriction["type"] == "Location"
    hidden = tuple(fault(f.kind.value, hidden=True) for f in shown)
    assert {u.remaining for u in usages(State(), SETTINGS.catalog, hidden)} == {100_000}
    assert sku_json(size, "eastus", hidden)["restrictions"] == []
    [zonal] = sku_json(size, "eastus", (fault("zone-restricted", zone="3"),))["restrictions"]
    assert zonal["restrictionInfo"] == {"locations": ["eastus"], "zones": ["3"]}
