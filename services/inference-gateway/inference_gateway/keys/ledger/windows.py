"""Which minute, day and month a moment lies in, in UTC, and when they end. Pure."""

from datetime import UTC, datetime

from kaito_keys.limits import Window

MINUTE_SECONDS = 60
DAY_SECONDS = 86_400


def window_numbers(now_seconds: float) -> tuple[int, int, int, int]:
    """The minute, day and month since 1970, and 0 for all time."""
    now = datetime.fromtimestamp(now_seconds, UTC)
    month = (now.year - 1970) * 12 + now.month - 1
    return int(now_seconds // MINUTE_SECONDS), int(now_seconds // DAY_SECONDS), month, 0


def seconds_to_end(window: Window, now_seconds: float) -> float:
    """How long the window goes on; 0 for all time, which has no limit to wait for."""
    if window is Window.MINUTE:
        return MINUTE_SECONDS - now_seconds % MINUTE_SECONDS
    if window is Window.DAY:
        return DAY_SECONDS - now_seconds % DAY_SECONDS
    if window is Window.EVER:
        return 0.0
    now = datetime.fromtimestamp(now_seconds, UTC)
    years, month = divmod(now.month, 12)
    return datetime(now.year + years, month + 1, 1, tzinfo=UTC).timestamp() - now_seconds
