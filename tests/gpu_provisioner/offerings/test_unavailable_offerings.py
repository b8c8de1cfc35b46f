"""What the cloud refused of late: how long it is left alone, and who may try it again."""

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
    made = UnavailableOfferings()
    made.mark_unavailable(T4, error, NOW, late=late)
    return made


def is_free(unavailable: UnavailableOfferings, claim: str, seconds: float) -> bool:
    return unavailable.refusal_for(T4[0], claim, NOW + timedelta(seconds=seconds)) is None


@pytest.mark.parametrize("reason", UNAVAILABLE_TTL)
def test_it_is_left_alone_for_its_time(reason: Reason) -> None:
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
def test_which_offering_is_meant(other: tuple[object, ...], same: bool) -> None:
    assert (other[0] == T4[0]) is same


def test_once_it_has_passed_one_claim_tries_and_the_others_wait() -> None:
    unavailable = refused()
    unavailable.mark_probing(T4, "ws1", NOW + timedelta(minutes=3))
    assert is_free(unavailable, "ws1", 181)
    assert not is_free(unavailable, "ws2", 181)
    assert is_free(unavailable, "ws2", 361)


def test_what_the_cloud_refused_at_once_is_over_when_it_accepts() -> None:
    unavailable = refused(NO_QUOTA)
    unavailable.mark_probing(T4, "ws1", NOW + timedelta(minutes=1))
    unavailable.mark_accepted(T4)
    assert is_free(unavailable, "ws2", 61)


def test_what_failed_late_is_over_when_a_machine_is_there() -> None:
    unavailable = refused(late=True)
    unavailable.mark_probing(T4, "ws1", NOW + timedelta(minutes=3))
    unavailable.mark_accepted(T4)
    assert not is_free(unavailable, "ws2", 181)
    unavailable.mark_available(T4)
    assert is_free(unavailable, "ws2", 181)


def test_refused_again_the_one_that_tried_waits_too() -> None:
    unavailable = refused()
    unavailable.mark_probing(T4, "ws1", NOW + timedelta(minutes=3))
    unavailable.mark_unavailable(T4, NO_CAPACITY, NOW + timedelta(minutes=3), late=False)
    assert not is_free(unavailable, "ws1", 181)


def test_what_was_never_refused_is_tried_by_all() -> None:
    unavailable = UnavailableOfferings()
    unavailable.mark_probing(T4, "ws1", NOW)
    assert is_free(unavailable, "ws2", 0)
