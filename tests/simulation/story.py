"""The story of a run: events in order, rendered only on demand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.simulation.loop import VirtualLoop

EVERYBODY = ""


class Line(NamedTuple):
    """`about` is the name of the claim or pool concerned; empty for everybody."""

    at: float
    actor: str
    about: str
    what: str
    outcome: str


@dataclass
class Story:
    """Collects the lines; `verbose` includes reads."""

    loop: VirtualLoop
    verbose: bool = False
    _lines: list[Line] = field(default_factory=list)

    def tell(self, actor: str, about: str, what: str, outcome: str = "") -> None:
        self._lines.append(Line(self.loop.time(), actor, about, what, outcome))

    def tells(self, what: str, since: str = "") -> bool:
        """Whether the event happened, after the last occurrence of `since`."""
        for line in reversed(self._lines):
            if what in line.what:
                return True
            if since and since in line.what:
                return False
        return False

    def lines(self, about: Iterable[str] | None = None) -> list[str]:
        """All lines, or those about the given names and everybody."""
        wanted = None if about is None else {*about, EVERYBODY}
        return [_text(line) for line in self._lines if wanted is None or line.about in wanted]


def clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:06.3f}"


def _text(line: Line) -> str:
    head = f"{clock(line.at)}  {line.actor:<12} {line.about:<11} {line.what}"
    return f"{head} -> {line.outcome}" if line.outcome else head
