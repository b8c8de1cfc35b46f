"""How often the cloud's pools are listed. Pure."""

from datetime import datetime, timedelta

SHORTEST_SECONDS, LONGEST_SECONDS, IDLE_SECONDS = 1.5, 10.0, 120.0
_SHARE = 8


def pause(now: datetime, began: datetime | None) -> float:
    """Seconds until the next listing; `began` is when something last began to be waited for or
    changed, None while nothing is waited for.

    The longer it takes already the longer it may take still: an end is seen within an eighth of
    the time that the operation took, and one of minutes costs dozens of listings, not hundreds."""
    if began is None:
        return IDLE_SECONDS
    waited = (now - began) / timedelta(seconds=1)
    return min(max(waited / _SHARE, SHORTEST_SECONDS), LONGEST_SECONDS)
