"""Shows which steps run, how far each has come and how long it took.

On a terminal the lines of running steps are redrawn below the finished ones. Elsewhere a step's
line is printed when it finishes, and every half minute until then. Steps may overlap.
"""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TextIO

_BAR_WIDTH: Final = 24
_REDRAW_SECONDS: Final = 0.2
# A log file gets a line this often, so that a slow step is not mistaken for a hung one.
_LOG_SECONDS: Final = 30.0
_CLEAR_BELOW: Final = "\x1b[J"


@dataclass(slots=True, eq=False)
class Step:
    """One step; the code that runs it updates `done`, `total` and `note`."""

    title: str
    done: int = 0
    total: int = 0
    note: str = ""
    started_at: float = field(default_factory=time.monotonic)


def bar(step: Step) -> str:
    """A progress bar, or only the note when the total is unknown."""
    if not step.total:
        return step.note
    filled = _BAR_WIDTH * min(step.done, step.total) // step.total
    drawn = "█" * filled + "░" * (_BAR_WIDTH - filled)
    return f"{drawn} {step.done}/{step.total} {step.note}"


def line(mark: str, step: Step, now: float, tail: str) -> str:
    seconds = now - step.started_at
    return f"{mark} {step.title}  {seconds:.1f} s  {tail}".rstrip()


class Progress:
    """Shows the steps of one command. Running steps are drawn again every `redraw_seconds`."""

    def __init__(
        self, steps: int, out: TextIO | None = None, redraw_seconds: float | None = None
    ) -> None:
        self._steps = steps
        self._out = out or sys.stdout
        self._is_terminal = self._out.isatty()
        usual = _REDRAW_SECONDS if self._is_terminal else _LOG_SECONDS
        self._redraw_seconds = usual if redraw_seconds is None else redraw_seconds
        self._number = 0
        self._started_at = time.monotonic()
        self._running: list[Step] = []
        self._drawn = 0
        self._lock = threading.Lock()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while it runs, and how long it took when it ends."""
        with self._lock:
            self._number += 1
            step = Step(f"[{self._number}/{self._steps}] {title}")
            self._running.append(step)
        finished = threading.Event()
        threading.Thread(target=self._keep_drawing, args=(step, finished), daemon=True).start()
        mark = "✗"
        try:
            yield step
            mark = "✓"
        finally:
            finished.set()
            with self._lock:
                self._running.remove(step)
                self._paint([line(mark, step, time.monotonic(), step.note)])

    def elapsed_seconds(self) -> float:
        """Seconds since the progress was created."""
        return time.monotonic() - self._started_at

    def _keep_drawing(self, step: Step, finished: threading.Event) -> None:
        while not finished.wait(self._redraw_seconds):
            with self._lock:
                if step in self._running:
                    self._paint([] if self._is_terminal else [self._state(step)])

    def _state(self, step: Step) -> str:
        return line("…", step, time.monotonic(), bar(step))

    def _paint(self, finished: list[str]) -> None:
        """Write lines that stay; on a terminal, redraw the running steps below them."""
        width = shutil.get_terminal_size().columns
        running = [self._state(step)[: width - 1] for step in self._running]
        if not self._is_terminal:
            running = []
        up = f"\r\x1b[{self._drawn}A" if self._drawn else ""
        clear = up + _CLEAR_BELOW if self._is_terminal else ""
        self._out.write(clear + "".join(f"{text}\n" for text in [*finished, *running]))
        self._out.flush()
        self._drawn = len(running)
