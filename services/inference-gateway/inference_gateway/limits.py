"""How much the gateway takes on at once: requests, and bytes of bodies held for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from inference_gateway.errors import Refused, too_busy


@dataclass(slots=True)
class Permit:
    """One admitted request's share of the gate."""

    gate: "Gate"
    held: int = 0

    def hold(self, size: int) -> None:
        """Counts that many more bytes of body. Refused with 429 when all bodies are too much."""
        if self.gate.held_bytes + size > self.gate.max_held_bytes:
            raise Refused(too_busy("too much request data is waiting for answers; try again soon"))
        self.held += size
        self.gate.held_bytes += size


@dataclass(slots=True, kw_only=True)
class Gate:
    """Admits at most `max_requests` at once, whose bodies are `max_held_bytes` together."""

    max_requests: int
    max_held_bytes: int
    in_flight: int = 0
    held_bytes: int = 0

    @contextmanager
    def enter(self) -> Iterator[Permit]:
        """Refused with 429 when as many as may be are in flight."""
        if self.in_flight >= self.max_requests:
            raise Refused(
                too_busy(f"{self.max_requests} requests are in flight already; try again soon")
            )
        permit = Permit(self)
        self.in_flight += 1
        try:
            yield permit
        finally:
            self.in_flight -= 1
            self.held_bytes -= permit.held
