"""The x-ratelimit headers of OpenAI's API, from an account. Pure."""

import math
from collections.abc import Sequence

from inference_gateway.keys.ledger.store import WINDOWS, Standing
from inference_gateway.keys.ledger.windows import seconds_to_end
from kaito_keys.limits import Limit, Unit


def rate_limit_headers(limits: Sequence[Limit], standing: Standing) -> list[tuple[bytes, bytes]]:
    """For requests and tokens each: limit, what is left, and when the window ends.

    That API has one limit of each kind, so it is that of the shortest window.
    """
    headers: list[tuple[bytes, bytes]] = []
    for unit in (Unit.REQUESTS, Unit.TOKENS):
        of_unit = [limit for limit in limits if limit.unit is unit]
        if not of_unit:
            continue
        limit = min(of_unit, key=lambda each: WINDOWS.index(each.window))
        seconds = math.ceil(seconds_to_end(limit.window, standing.now_seconds))
        values = {
            "limit": str(limit.amount),
            "remaining": str(standing.remaining(limit)),
            "reset": f"{seconds}s",
        }
        headers += [
            (f"x-ratelimit-{name}-{unit}".encode(), value.encode())
            for name, value in values.items()
        ]
    return headers
