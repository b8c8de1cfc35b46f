"""Shows the progress of a transfer: one live line on a terminal, otherwise regular log lines."""

import logging
import sys
import time

from tuner.settings import PROGRESS_LOG_SECONDS

logger = logging.getLogger(__name__)

# Often enough to look live, rarely enough not to cost transfer speed.
REDRAW_INTERVAL_SECONDS = 0.2


class TransferProgress:
    """Counts the bytes of one transfer. `total` is None if the size is unknown."""

    def __init__(self, name: str, total: int | None, done: int = 0) -> None:
        self._name = name
        self._total = total
        self._done = done
        # A resumed transfer starts at an offset, which must not count as speed.
        self._offset = done
        self._started = self._last_shown = time.monotonic()
        self._terminal = sys.stdout.isatty()
        self._interval = REDRAW_INTERVAL_SECONDS if self._terminal else PROGRESS_LOG_SECONDS

    def add(self, count: int) -> None:
        """Count `count` more bytes."""
        self._done += count
        if time.monotonic() - self._last_shown >= self._interval:
            self._show()

    def close(self) -> None:
        """Show the final count, whether or not the transfer succeeded."""
        self._show()
        if self._terminal:
            print(flush=True)

    def _show(self) -> None:
        self._last_shown = time.monotonic()
        elapsed = max(self._last_shown - self._started, 1e-9)
        rate = (self._done - self._offset) / elapsed / 1e6
        total = "?" if self._total is None else f"{self._total / 1e6:.1f}"
        line = f"{self._name}: {self._done / 1e6:.1f} of {total} MB, {rate:.1f} MB/s"
        if self._terminal:
            print(f"\r{line:<79}", end="", flush=True)
        else:
            logger.info("%s", line)
