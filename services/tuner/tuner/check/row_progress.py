"""Shows on a terminal how far reading the rows has come."""

import sys
import time
from types import TracebackType
from typing import TextIO

# Often enough to look live; the clock is looked at only once in so many rows.
REDRAW_SECONDS = 0.2
ROWS_PER_LOOK = 256


class RowProgress:
    """Counts rows. Where `stream` is no terminal, nothing is shown."""

    def __init__(
        self, stream: TextIO | None = None, redraw_seconds: float = REDRAW_SECONDS
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._redraw_seconds = redraw_seconds
        self._visible = self._stream.isatty()
        self._rows = 0
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> "RowProgress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._visible:
            # The report takes the line.
            self._stream.write(f"\r{'':<60}\r")
            self._stream.flush()

    def count(self) -> None:
        """Count one more row."""
        self._rows += 1
        if self._visible and self._rows % ROWS_PER_LOOK == 0:
            now = time.monotonic()
            if now - self._shown >= self._redraw_seconds:
                self._shown = now
                rate = self._rows / max(now - self._started, 1e-9)
                self._stream.write(f"\r{f'{self._rows:,} rows read, {rate:,.0f} a second':<60}")
                self._stream.flush()
