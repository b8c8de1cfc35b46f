"""The rate below which a transfer is given up."""

from collections.abc import Callable

from kaito_process.retry_policy import MINIMUM_BYTES_PER_SECOND

# Long enough for a link that stalls now and then; curl's --speed-time is 30 seconds by default.
RATE_WINDOW_SECONDS = 60.0


class MinimumRate:
    """Measures a transfer, window by window: a server that sends a byte now and then, by design or
    by fault, never runs into a timeout of silence. `clock` gives seconds and is never set back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._window_start = clock()
        self._bytes = 0

    def add(self, count: int) -> bool:
        """Count `count` more bytes; False if a window has ended in which too few arrived."""
        self._bytes += count
        elapsed = self._clock() - self._window_start
        if elapsed < RATE_WINDOW_SECONDS:
            return True
        is_enough = self._bytes >= MINIMUM_BYTES_PER_SECOND * elapsed
        self._window_start += elapsed
        self._bytes = 0
        return is_enough
