"""How long a request is held for a model that is not ready. Pure."""

from collections.abc import Sequence

from inference_gateway.endpoints.endpoint import Endpoint


def hold_pause_seconds(endpoints: Sequence[Endpoint], hold_seconds: float, now: float) -> float:
    """How long to wait for a change before looking again; 0 once waiting makes no sense any more.

    A model restarts, or is rolled out, if one of its `endpoints` was ready within the last
    `hold_seconds`. One that was listed within that time counts as well: a gateway that starts while
    a model is away has never seen it ready, and its clients must not notice which of the two
    started first.
    """
    left_seconds = max(each.expected_since for each in endpoints) + hold_seconds - now
    if left_seconds <= 0:
        return 0
    # The end of an ejection is no event: time makes it.
    ends = (each.ejected_until - now for each in endpoints)
    return min([left_seconds, *(end for end in ends if end > 0)])


def unknown_endpoints(
    endpoints: Sequence[Endpoint], hold_seconds: float, now: float
) -> list[Endpoint]:
    """Those that have not told their adapters' names yet, and are still waited for."""
    return [
        each
        for each in endpoints
        if each.model is None and hold_pause_seconds([each], hold_seconds, now) > 0
    ]
