"""Where the run is posted and where any number of readers see it. Thread-safe, keeps only the
newest value: a slow reader skips values and never misses the last one."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tuner.reporting.run import Run


class Board:
    """Holds the current `Run`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._version = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def run(self) -> Run:
        """The run as it stands."""
        with self._changed:
            return self._run

    def post(self, **changes: Any) -> None:
        """Replaces the named fields of the run; wakes the readers if that changed anything."""
        with self._changed:
            run = replace(self._run, **changes)
            if run != self._run:
                self._run = run
                self._version += 1
                self._changed.notify_all()

    def close(self) -> None:
        """No more will be posted: readers get the last value and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wake(self) -> None:
        """Makes the readers look again whether they are still wanted."""
        with self._changed:
            self._changed.notify_all()

    def watch(self, wanted: Callable[[], bool]) -> Iterator[Run]:
        """The run now and after each change, until it has ended, the board is closed, or
        `wanted()` is false (asked at each change and `wake`)."""
        seen = -1
        while True:
            with self._changed:
                while self._version == seen and not self._closed and wanted():
                    self._changed.wait()
                if self._version == seen or not wanted():
                    return
                run, seen = self._run, self._version
            yield run
            if run.ended:
                return
