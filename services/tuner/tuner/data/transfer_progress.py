"""How far a transfer is: one living line on a terminal, a log line every few seconds elsewhere."""

import logging
import sys
import time

logger = logging.getLogger(__name__)

LOG_EVERY_S = 5.0
DRAW_EVERY_S = 0.2


class Meter:
    """Counts the bytes of one transfer. `total` is None while unknown."""

    def __init__(self, name: str, total: int | None, done: int = 0) -> None:
        self._name = name
        self._total = total
        self._done = done
        self._first = done
        self._started = self._said = time.monotonic()
        self._terminal = sys.stdout.isatty()
        self._every = DRAW_EVERY_S if self._terminal else LOG_EVERY_S

    def add(self, count: int) -> None:
        """`count` more bytes have arrived."""
        self._done += count
        if time.monotonic() - self._said >= self._every:
            self._say()

    def close(self) -> None:
        """The transfer has ended, well or not."""
        self._say()
        if self._terminal:
            print(flush=True)

    def _say(self) -> None:
        self._said = time.monotonic()
        elapsed = max(self._said - self._started, 1e-9)
        rate = (self._done - self._first) / elapsed / 1e6
        total = "?" if self._total is None else f"{self._total / 1e6:.1f}"
        line = f"{self._name}: {self._done / 1e6:.1f} of {total} MB, {rate:.1f} MB/s"
        if self._terminal:
            print(f"\r{line:<79}", end="", flush=True)
        else:
            logger.info("%s", line)
