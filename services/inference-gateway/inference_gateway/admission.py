"""Admission control: limits the requests in flight, and the body bytes held for them.

At a front door, no model-server may fill the admission, nor the memory, that it shares with the
others.
"""

from dataclasses import dataclass

from inference_gateway.errors import RequestRejected, too_many_requests


def share_of_one(max_requests: int, in_flight: int) -> int:
    """The most requests that one model-server may have, when `in_flight` are admitted in all.

    As many as are still free, the newest of `in_flight` among them: Choudhury and Hahne's dynamic
    threshold (1998) with factor 1. One hung model-server ends with 1/2 of all admissions, two with
    1/3 each, n with 1/(n + 1) each, and as much stays free for those that answer. One that has no
    request always gets its first.
    """
    return max_requests - in_flight + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The most that one model-server may have at this moment, beside the request that asks.

    Requests are counted with that one, and `held_bytes`, those of their bodies, without its
    `own_bytes`: the largest body of all must not keep a model-server that has none from its first.
    """

    requests: int
    held_bytes: int
    own_bytes: int = 0


@dataclass(slots=True)
class Admission:
    """One admitted request and the body bytes it holds, until its context ends."""

    control: "AdmissionControl"
    held_bytes: int = 0

    def __enter__(self) -> "Admission":
        return self

    def __exit__(self, *error: object) -> None:
        self.control.in_flight -= 1
        self.control.held_bytes -= self.held_bytes

    @property
    def endpoint_share(self) -> Share:
        """The most that one model-server may have at this moment, asked for this request."""
        control = self.control
        if not control.is_shared:
            return Share(requests=control.max_requests, held_bytes=control.max_held_bytes)
        return Share(
            requests=share_of_one(control.max_requests, control.in_flight),
            # As many as are still free, as of requests.
            held_bytes=control.max_held_bytes - control.held_bytes,
            own_bytes=self.held_bytes,
        )

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
    """Admits up to `max_requests` at a time, whose bodies together hold `max_held_bytes`.

    `is_shared` says that the requests go to several model-servers.
    """

    max_requests: int
    max_held_bytes: int
    is_shared: bool
    in_flight: int = 0
    held_bytes: int = 0

    def admit(self) -> Admission:
        """Admits one request. Close the admission when the request ends.

        Raises:
            RequestRejected: 429, the maximum number of requests is in flight.
        """
        if self.in_flight >= self.max_requests:
            raise RequestRejected(
                too_many_requests(
                    f"{self.max_requests} requests are already in flight; try again soon"
                )
            )
        self.in_flight += 1
        return Admission(self)
