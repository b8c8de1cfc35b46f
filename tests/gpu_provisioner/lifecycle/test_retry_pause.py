"""How the pauses between calls that fail grow."""

from datetime import timedelta

import pytest

from gpu_provisioner.cloud.errors import CloudError, LaunchRefused, PoolBusy
from gpu_provisioner.lifecycle.retry_pause import PAUSES, Pause, retry_after_seconds
from gpu_provisioner.state.cloud_backoffs import CloudBackoffs
from kaito_api.reasons import Reason
from tests.gpu_provisioner.offerings.builders import NOW

POLICY = LaunchRefused(Reason.POLICY_DENIED, "no")


@pytest.mark.parametrize("pause", PAUSES.values())
def test_pause_doubles_up_to_its_maximum(pause: Pause) -> None:
    assert pause.after(1) == pause.first_seconds
    assert pause.after(2) == 2 * pause.first_seconds
    assert pause.after(10_000) == pause.max_seconds


def test_the_cloud_s_own_time_goes_first() -> None:
    assert retry_after_seconds(LaunchRefused(Reason.POLICY_DENIED, "no", 7.0), 9) == 7.0


def pauses(backoffs: CloudBackoffs, *errors: CloudError) -> list[float]:
    return [backoffs.record("ws1", error, NOW) for error in errors]


def test_refusals_for_the_same_reason_come_at_growing_pauses() -> None:
    backoffs = CloudBackoffs()
    assert pauses(backoffs, *[POLICY] * 6) == [60, 120, 240, 480, 900, 900]
    backoff = backoffs.get("ws1")
    assert backoff is not None and backoff.not_before == NOW + timedelta(seconds=900)


def test_a_busy_cloud_in_between_does_not_start_the_pauses_again() -> None:
    busy = PoolBusy(Reason.CLOUD_UNAVAILABLE, "busy", 5.0)
    assert pauses(CloudBackoffs(), POLICY, busy, POLICY) == [60, 5, 120]


def test_success_starts_the_pauses_again() -> None:
    backoffs = CloudBackoffs()
    pauses(backoffs, POLICY, POLICY)
    backoffs.forget("ws1")
    assert pauses(backoffs, POLICY) == [60]


def test_clock_that_goes_back_makes_no_claim_wait_for_it() -> None:
    backoffs = CloudBackoffs()
    pauses(backoffs, POLICY)
    backoff = backoffs.get("ws1")
    assert backoff is not None
    assert backoff.applies(NOW) and backoff.applies(NOW + timedelta(seconds=59))
    assert not backoff.applies(NOW + timedelta(seconds=60))
    assert not backoff.applies(NOW - timedelta(hours=1))
