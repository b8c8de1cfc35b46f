"""How long a refused offering is unavailable, and which claim may probe it."""

from datetime import timedelta

import pytest

from gpu_provisioner.cloud.errors import LaunchRefused
from gpu_provisioner.offerings.unavailable_offerings import (
    UNAVAILABLE_TTL,
    UnavailableOfferings,
    offerings,
)
from kaito_api.reasons import Reason
from tests.gpu_provisioner.offerings.builders import NOW

T4 = offerings("Standard_NC4as_T4_v3", (), spot=False)
NO_CAPACITY = LaunchRefused(Reason.INSUFFICIENT_CAPACITY, "none left")
NO_QUOTA = LaunchRefused(Reason.QUOTA_EXCEEDED, "none left")


def refused(error: LaunchRefused = NO_CAPACITY, *, late: bool = False) -> UnavailableOfferings:
    created = UnavailableOfferings()
    created.mark_unavailable(T4, error, NOW, late=late)
    return created


def is_free(unavailable: UnavailableOfferings, claim: str, seconds: float) -> bool:
    return unavailable.refusal_for(T4[0], claim, NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize("reason", UNAVAILABLE_TTL)
def test_refused_offering_is_unavailable_for_its_ttl(reason: Reason) -> None:
    unavailable = refused(LaunchRefused(reason, "no"))
    seconds = UNAVAILABLE_TTL[reason].total_seconds()
    assert not is_free(unavailable, "ws1", 0)
    assert not is_free(unavailable, "ws1", seconds - 1)
    assert is_free(unavailable, "ws1", seconds)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (offerings("STANDARD_nc4as_t4_V3", (), spot=False), True),
        (offerings("Standard_NC4as_T4_v3", (), spot=True), False),
        (offerings("Standard_NC4as_T4_v3", ("1",), spot=False), False),
        (offerings("Standard_NC8as_T4_v3", (), spot=False), False),
    ],
    ids=["any case", "spot", "in a zone", "another size"],
)
def test_offerings_are_equal_in_any_case(other: tuple[object, ...], same: bool) -> None:
    assert (other[0] == T4[0]) is same


def test_one_claim_probes_after_expiry() -> None:
    unavailable = refused()
    unavailable.mark_probing(T4, "ws1", NOW + timedelta(minutes=3))
    assert is_free(unavailable, "ws1", 181)
    assert not is_free(unavailable, "ws2", 181)
    assert is_free(unavailable, "ws2", 361)


def test_immediate_refusal_ends_when_create_is_accepted() -> None:
    unavailable = refused(NO_QUOTA)
    unavailable.mark_probing(T4, "ws1", NOW + timedelta(minutes=1))
    unavailable.mark_accepted(T4)
    assert is_free(unavailable, "ws2", 61)


def test_late_refusal_ends_when_machine_joins() -> None:
    unavailable = refused(late=True)
    unavailable.mark_probing(T4, "ws1", NOW + timedelta(minutes=3))
    unavailable.mark_accepted(T4)
    assert not is_free(unavailable, "ws2", 181)
    unavailable.mark_available(T4)
    assert is_free(unavailable, "ws2", 181)


def test_prober_waits_after_another_refusal() -> None:
    unavailable = refused()
    unavailable.mark_probing(T4, "ws1", NOW + timedelta(minutes=3))
    unavailable.mark_unavailable(T4, NO_CAPACITY, NOW + timedelta(minutes=3), late=False)
    assert not is_free(unavailable, "ws1", 181)


def test_offering_without_refusal_is_free_for_all() -> None:
    unavailable = UnavailableOfferings()
    unavailable.mark_probing(T4, "ws1", NOW)
    assert is_free(unavailable, "ws2", 0)
