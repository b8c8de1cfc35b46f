"""Tells on the terminal which steps run, how far each is and how long it took.

On a terminal the running steps' lines are redrawn below those that are over; elsewhere a step's
line is printed when it is over, and each half minute while it takes long. Steps may overlap.
"""

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TextIO

_BAR: Final = 24
_REDRAW: Final = 0.2
_QUIET_REDRAW: Final = 30.0
_CLEAR_BELOW: Final = "\x1b[J"


@dataclass(slots=True, eq=False)
class Step:
    """One step: whoever carries it out sets `done`, `total` and `note` as it goes."""

    title: str
    done: int = 0
    total: int = 0
    note: str = ""
    began: float = field(default_factory=time.monotonic)


def bar(step: Step) -> str:
    """A bar of what is done, where the step can tell."""
    if not step.total:
        return step.note
    filled = _BAR * min(step.done, step.total) // step.total
    drawn = "█" * filled + "░" * (_BAR - filled)
    return f"{drawn} {step.done}/{step.total} {step.note}"


def line(mark: str, step: Step, now: float, tail: str) -> str:
    seconds = now - step.began
    return f"{mark} {step.title}  {seconds:.1f} s  {tail}".rstrip()


class Progress:
    """Shows the steps of one piece of work."""

    def __init__(self, steps: int, out: TextIO | None = None) -> None:
        self._steps = steps
        self._out = out or sys.stdout
        self._is_terminal = self._out.isatty()
        self._number = 0
        self._began = time.monotonic()
        self._running: list[Step] = []
        self._drawn = 0
        self._lock = threading.Lock()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """One step: shown while it runs, and with its seconds when it is over."""
        with self._lock:
            self._number += 1
            step = Step(f"[{self._number}/{self._steps}] {title}")
            self._running.append(step)
        over = threading.Event()
        threading.Thread(target=self._keep_drawing, args=(step, over), daemon=True).start()
        mark = "✗"
        try:
            yield step
            mark = "✓"
        finally:
            over.set()
            with self._lock:
                self._running.remove(step)
                self._paint([line(mark, step, time.monotonic(), step.note)])

    def total(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._began

    def _keep_drawing(self, step: Step, over: threading.Event) -> None:
        while not over.wait(_REDRAW if self._is_terminal else _QUIET_REDRAW):
            with self._lock:
                if step in self._running:
                    self._paint([] if self._is_terminal else [self._state(step)])

    def _state(self, step: Step) -> str:
        return line("…", step, time.monotonic(), bar(step))

    def _paint(self, lasting: list[str]) -> None:
        """Writes lines that stay, and on a terminal the running steps' below them anew."""
        width = shutil.get_terminal_size().columns
        moving = [self._state(step)[: width - 1] for step in self._running]
        if not self._is_terminal:
            moving = []
        up = f"\r\x1b[{self._drawn}A" if self._drawn else ""
        clear = up + _CLEAR_BELOW if self._is_terminal else ""
        self._out.write(clear + "".join(f"{text}\n" for text in [*lasting, *moving]))
        self._out.flush()
        self._drawn = len(moving)
