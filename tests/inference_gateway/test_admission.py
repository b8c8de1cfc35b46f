"""Admission control: requests and bytes."""

import pytest

from inference_gateway.admission import AdmissionControl
from inference_gateway.errors import RequestRejected


def test_requests_above_the_limit_are_rejected() -> None:
    control = AdmissionControl(max_requests=1, max_held_bytes=10)
    with control.admit():
        with pytest.raises(RequestRejected) as caught, control.admit():
            pass
        assert caught.value.problem.status == 429
    with control.admit():
        assert control.in_flight == 1


def test_bytes_above_the_limit_are_rejected() -> None:
    control = AdmissionControl(max_requests=9, max_held_bytes=10)
    with control.admit() as first, control.admit() as second:
        first.hold(8)
        with pytest.raises(RequestRejected):
            second.hold(3)
        second.hold(2)
    assert control.held_bytes == 0
