"""Publishes the status of the run to any number of watchers. Thread-safe.

Only the newest value is kept: a slow watcher skips values and never misses the last one.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tuner.reporting.tuning_run import TuningRun


class StatusPublisher:
    """Holds the current `TuningRun`."""

    def __init__(self, run: TuningRun) -> None:
        self._run = run
        self._version = 0
        self._closed = False
        self._changed = threading.Condition()

    @property
    def run(self) -> TuningRun:
        """The current status of the run."""
        with self._changed:
            return self._run

    def publish(self, **changes: Any) -> None:
        """Replace the named fields of the run; wake the watchers if that changes anything."""
        with self._changed:
            run = replace(self._run, **changes)
            if run != self._run:
                self._run = run
                self._version += 1
                self._changed.notify_all()

    def close(self) -> None:
        """Publish nothing more: watchers receive the last value and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wake(self) -> None:
        """Make every watcher check whether its client is still active."""
        with self._changed:
            self._changed.notify_all()

    def watch(self, is_active: Callable[[], bool]) -> Iterator[TuningRun]:
        """The run now and after each change.

        Ends when the run has ended, when the publisher is closed, or when `is_active()` is false,
        which is checked at each change and each `wake`.
        """
        seen = -1
        while True:
            with self._changed:
                while self._version == seen and not self._closed and is_active():
                    self._changed.wait()
                if self._version == seen or not is_active():
                    return
                run, seen = self._run, self._version
            yield run
            if run.ended:
                return
