"""Tells on the terminal which step runs, how far it is and how long it took.

On a terminal the running step's line is redrawn; elsewhere a line is printed per step, and one
every half minute while a step takes long.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TextIO

_BAR: Final = 24
_REDRAW: Final = 0.2
_QUIET_REDRAW: Final = 30.0


@dataclass(slots=True)
class Step:
    """How far one step is; the step itself sets these while it works."""

    done: int = 0
    total: int = 0
    note: str = ""


def bar(step: Step) -> str:
    """A bar of what is done, where the step can tell."""
    if not step.total:
        return step.note
    filled = _BAR * min(step.done, step.total) // step.total
    drawn = "█" * filled + "░" * (_BAR - filled)
    return f"{drawn} {step.done}/{step.total} {step.note}"


class Progress:
    """Counts and times the steps of one piece of work."""

    def __init__(self, steps: int, out: TextIO | None = None) -> None:
        self._steps = steps
        self._out = out or sys.stdout
        self._number = 0
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """One step: shown while it runs, and with its seconds when it is over."""
        self._number += 1
        head = f"[{self._number}/{self._steps}] {title}"
        state, began, over = Step(), time.monotonic(), threading.Event()
        drawing = threading.Thread(target=self._draw, args=(head, state, began, over), daemon=True)
        drawing.start()
        mark = "✗"
        try:
            yield state
            mark = "✓"
        finally:
            over.set()
            drawing.join()
            seconds = time.monotonic() - began
            self._line(f"{mark} {head}  {seconds:.1f} s  {state.note}".rstrip())

    def total(self) -> float:
        """Seconds since the first step."""
        return time.monotonic() - self._began

    def _draw(self, head: str, state: Step, began: float, over: threading.Event) -> None:
        show, pause = self._manner()
        while not over.wait(pause):
            show(f"… {head}  {time.monotonic() - began:.0f} s  {bar(state)}".rstrip())

    def _manner(self) -> tuple[Callable[[str], None], float]:
        return (self._redraw, _REDRAW) if self._out.isatty() else (self._line, _QUIET_REDRAW)

    def _redraw(self, text: str) -> None:
        self._out.write(f"\r\x1b[2K{text}")
        self._out.flush()

    def _line(self, text: str) -> None:
        start = "\r\x1b[2K" if self._out.isatty() else ""
        self._out.write(f"{start}{text}\n")
        self._out.flush()
