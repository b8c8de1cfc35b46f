"""Admission control: limits the requests in flight, and the body bytes held for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from inference_gateway.errors import RequestRejected, too_many_requests


@dataclass(slots=True)
class Admission:
    """One admitted request and the body bytes it holds."""

    control: "AdmissionControl"
    held_bytes: int = 0

    def hold(self, size_bytes: int) -> None:
        """Counts more body bytes of this request.

        Raises:
            RequestRejected: 429, the bodies of all requests exceed the limit.
        """
        if self.control.held_bytes + size_bytes > self.control.max_held_bytes:
            raise RequestRejected(
                too_many_requests("the requests in flight hold too much data; try again soon")
            )
        self.held_bytes += size_bytes
        self.control.held_bytes += size_bytes


@dataclass(slots=True, kw_only=True)
class AdmissionControl:
    """Admits up to `max_requests` at a time, whose bodies together hold `max_held_bytes`."""

    max_requests: int
    max_held_bytes: int
    in_flight: int = 0
    held_bytes: int = 0

    @contextmanager
    def admit(self) -> Iterator[Admission]:
        """Admits one request for as long as the context lasts.

        Raises:
            RequestRejected: 429, the maximum number of requests is in flight.
        """
        if self.in_flight >= self.max_requests:
            raise RequestRejected(
                too_many_requests(
                    f"{self.max_requests} requests are already in flight; try again soon"
                )
            )
        admission = Admission(self)
        self.in_flight += 1
        try:
            yield admission
        finally:
            self.in_flight -= 1
            self.held_bytes -= admission.held_bytes
