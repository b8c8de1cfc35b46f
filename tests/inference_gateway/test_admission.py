"""Admission control: requests and bytes."""

import pytest

from inference_gateway.admission import AdmissionControl, Share, share_of_one
from inference_gateway.errors import RequestRejected


def test_requests_above_the_limit_are_rejected() -> None:
    control = AdmissionControl(max_requests=1, max_held_bytes=10, is_shared=False)
    with control.admit():
        with pytest.raises(RequestRejected) as caught, control.admit():
            pass
        assert caught.value.problem.status == 429
    with control.admit():
        assert control.in_flight == 1


def test_bytes_above_the_limit_are_rejected() -> None:
    control = AdmissionControl(max_requests=9, max_held_bytes=10, is_shared=False)
    with control.admit() as first, control.admit() as second:
        first.hold(8)
        with pytest.raises(RequestRejected):
            second.hold(3)
        second.hold(2)
    assert control.held_bytes == 0


@pytest.mark.parametrize(
    ("hung", "most_held", "free"),
    [(1, 512, 512), (2, 342, 341), (3, 256, 256), (9, 103, 102), (100, 11, 10)],
)
def test_hung_model_servers_leave_room(hung: int, most_held: int, free: int) -> None:
    in_flight = [0] * hung
    # Each takes, in turn, whatever it can get.
    for turn in range(2 * 1024):
        each = turn % hung
        if in_flight[each] < share_of_one(1024, sum(in_flight) + 1):
            in_flight[each] += 1
    assert (max(in_flight), 1024 - sum(in_flight)) == (most_held, free)


def test_last_free_admission_is_for_who_has_none() -> None:
    assert share_of_one(1024, 1024) == 1
    assert share_of_one(1, 1) == 1


@pytest.mark.parametrize(
    ("is_shared", "share"),
    [
        (True, Share(requests=3, held_bytes=3, own_bytes=2)),
        (False, Share(requests=4, held_bytes=10)),
    ],
)
def test_only_a_shared_gateway_has_shares(is_shared: bool, share: Share) -> None:
    control = AdmissionControl(max_requests=4, max_held_bytes=10, is_shared=is_shared)
    with control.admit() as first, control.admit() as second:
        first.hold(5)
        second.hold(2)
        assert second.endpoint_share == share
