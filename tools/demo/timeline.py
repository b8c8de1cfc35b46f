"""Where the time of a run went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Timeline:
    def __init__(self) -> None:
        self._began = time.monotonic()
        self._phases: list[tuple[str, float]] = []

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Says what begins, and afterwards how long it took."""
        print(f"==> {title}", flush=True)
        began = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - began
            self._phases.append((title, seconds))
            print(f"    {title}: {seconds:.1f} s\n", flush=True)

    def table(self) -> str:
        rows = [f"  {seconds:7.1f} s  {title}" for title, seconds in self._phases]
        total = f"  {time.monotonic() - self._began:7.1f} s  in all"
        return "\n".join(["where the time went:", *rows, total])
