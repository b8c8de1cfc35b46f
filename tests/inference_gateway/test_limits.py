"""The gate: requests and bytes."""

import pytest

from inference_gateway.errors import Refused
from inference_gateway.limits import Gate


def test_admits_so_many_and_takes_back() -> None:
    gate = Gate(max_requests=1, max_held_bytes=10)
    with gate.enter():
        with pytest.raises(Refused) as caught, gate.enter():
            pass
        assert caught.value.problem.status == 429
    with gate.enter():
        assert gate.in_flight == 1


def test_holds_so_many_bytes_and_takes_back() -> None:
    gate = Gate(max_requests=9, max_held_bytes=10)
    with gate.enter() as first, gate.enter() as second:
        first.hold(8)
        with pytest.raises(Refused):
            second.hold(3)
        second.hold(2)
    assert gate.held_bytes == 0
