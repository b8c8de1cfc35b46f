"""How long each phase of a run takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class PhaseTimer:
    def __init__(self) -> None:
        self._started_at = time.monotonic()
        self._phases: list[tuple[str, float]] = []

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Print the title when a phase starts, and its duration when it ends."""
        print(f"==> {title}", flush=True)
        started_at = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - started_at
            self._phases.append((title, seconds))
            print(f"    {title}: {seconds:.1f} s\n", flush=True)

    def table(self) -> str:
        rows = [f"  {seconds:7.1f} s  {title}" for title, seconds in self._phases]
        total = f"  {time.monotonic() - self._started_at:7.1f} s  total"
        return "\n".join(["duration of each phase:", *rows, total])
