"""Reports to a tracker from a thread of its own, so that the training never waits for it."""

import copy
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from transformers import TrainerCallback

logger = logging.getLogger(__name__)

# Values that wait while the tracker is slow; then they are dropped, as the training is not slowed.
MAX_WAITING = 1000
# How long the end of a run waits for the last values to arrive.
CLOSE_SECONDS = 20.0
# The same for a pod that terminates, which has 30 seconds in all.
TERMINATING_SECONDS = 3.0

Report = Callable[[], None]


class BackgroundTracker:
    """Forwards the start, the logs and the end of a training to `create()`'s callback.

    The tracker's library may block, raise, or try for minutes: none of it reaches the training.
    `finish` is called after the end, and `redact` removes secrets from its errors.
    """

    def __init__(
        self,
        title: str,
        create: Callable[[], TrainerCallback],
        finish: Callable[[], None],
        redact: Callable[[str], str],
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._title = title
        self._create = create
        self._finish = finish
        self._redact = redact
        self._target: Any = None
        self._waiting: queue.Queue[Report | None] = queue.Queue(max_waiting)
        self._missed = 0
        self._abandoned = False
        self._end: Report | None = None
        self._thread = threading.Thread(target=self._run, name=f"{title} reports", daemon=True)
        self._thread.start()

    def begin(self, args: Any, state: Any, control: Any, model: Any) -> None:
        """Report the options of the training and of the model."""
        # Only what trackers record of a model: a stalled one must not keep its memory.
        described = SimpleNamespace(config=getattr(model, "config", None))
        now = copy.copy(state)

        def end() -> None:
            self._target.on_train_end(args, now, control)
            self._finish()

        self._end = end
        self._put(lambda: self._target.on_train_begin(args, now, control, model=described))

    def log(self, args: Any, state: Any, control: Any, logs: dict[str, float]) -> None:
        """Report what was measured."""
        # The trainer changes both while they wait.
        now, measured = copy.copy(state), dict(logs)
        self._put(lambda: self._target.on_log(args, now, control, logs=measured))

    def close(self, deadline: float) -> None:
        """Report the end, and wait until everything is reported, or until `deadline`."""
        try:
            if self._end is not None:
                self._waiting.put(self._end, timeout=_until(deadline))
            self._waiting.put(None, timeout=_until(deadline))
        except queue.Full:
            self._missed += 1
        self._thread.join(_until(deadline))
        self._abandoned = self._thread.is_alive()
        if self._missed or self._abandoned:
            missed = self._missed + self._waiting.qsize()
            logger.warning(
                "%s has not received everything: at least %d reports are missing; the run itself "
                "is complete",
                self._title,
                missed,
            )

    def _put(self, report: Report) -> None:
        try:
            self._waiting.put_nowait(report)
        except queue.Full:
            self._miss("it is too slow")

    def _run(self) -> None:
        while (report := self._waiting.get()) is not None and not self._abandoned:
            try:
                if self._target is None:
                    self._target = self._create()
                report()
            # Whatever a foreign library raises; some even try to end the process.
            except (Exception, SystemExit) as error:
                self._miss(f"{type(error).__name__}: {error}")

    def _miss(self, cause: str) -> None:
        self._missed += 1
        if self._missed == 1:
            logger.warning(
                "cannot report to %s: %s; the run continues, and later values are tried again",
                self._title,
                self._redact(cause.partition("\n")[0]),
            )


class Trackers(TrainerCallback):  # type: ignore[misc]
    """All trackers of a run as one callback."""

    def __init__(self, trackers: Sequence[BackgroundTracker] = ()) -> None:
        self._trackers = trackers

    def on_train_begin(self, args: Any, state: Any, control: Any, **rest: Any) -> None:
        """Report the options of the training and of the model."""
        for tracker in self._trackers:
            tracker.begin(args, state, control, rest.get("model"))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: dict[str, float], **rest: Any
    ) -> None:
        """Report what was measured."""
        for tracker in self._trackers:
            tracker.log(args, state, control, logs)

    def close(self, seconds: float) -> None:
        """Report the end to all, and wait at most `seconds` until everything is reported."""
        deadline = time.monotonic() + seconds
        for tracker in self._trackers:
            tracker.close(deadline)


def _until(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
