"""What was measured of one engine, and the table of it. Pure."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.serving.contenders import GATEWAY, GRPC, PEER, Answer

_WAYS = (GRPC, GATEWAY)


@dataclass(slots=True)
class Results:
    """Of each way: tokens a second in each round, and the seconds between parts of answers.

    `cpu` is the CPU time of each process on a way, and `tokens` those of a way.
    """

    engine: str
    peer: str
    rates: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    gaps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    tokens: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    cpu: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    same: int = 0
    compared: int = 0

    def add(self, way: str, answers: Iterable[Answer], seconds: float) -> None:
        """A round of one way."""
        tokens = 0
        for answer in answers:
            tokens += answer.tokens
            self.gaps[way] += answer.gaps
        self.rates[way].append(tokens / seconds)
        self.tokens[way] += tokens

    def add_cpu(self, way: str, process: str, seconds: float) -> None:
        """The CPU time of a process in a round of a way."""
        self.cpu[way, process] += seconds

    def compare(self, ours: Sequence[str], theirs: Sequence[str]) -> None:
        """The answers to the same prompts."""
        self.same += sum(a == b for a, b in zip(ours, theirs, strict=True))
        self.compared += len(ours)

    @property
    def ratio(self) -> float:
        """Tokens a second over those of the engine's own server, of the slower way."""
        return min(map(self.share, _WAYS))

    def share(self, way: str) -> float:
        """Tokens a second of a way over those of the engine's own server."""
        return statistics.median(self._shares(way))

    def late_gap_ms(self, way: str) -> float:
        """The time between two parts of an answer that one in a hundred exceeds."""
        return statistics.quantiles(self.gaps[way], n=100)[-1] * 1000

    def lines(self) -> list[str]:
        """The table."""
        head = f"{'tokens/s, median':>18}{'lowest':>9}{'highest':>9}{'of its own':>12}"
        lines = [f"{self.engine:<20}{head}{'p99 between parts, ms':>23}"]
        for name, found in self.rates.items():
            title = self.peer if name == PEER else name
            lines.append(
                f"{title:<20}{statistics.median(found):>18.0f}{min(found):>9.0f}{max(found):>9.0f}"
                f"{self.share(name):>12.2f}{self.late_gap_ms(name):>23.1f}"
            )
        above = ", ".join(
            f"{name} {self.late_gap_ms(name) - self.late_gap_ms(PEER):+.1f} ms" for name in _WAYS
        )
        lines.append(f"p99 between parts, above {self.peer}: {above} (aim: at most 5 ms)")
        if self.compared:
            lines.append(f"{self.same} of {self.compared} answers are equal")
        for (way, process), seconds in self.cpu.items():
            cost = seconds / self.tokens[way] * 1000
            lines.append(f"CPU of {process} for a token by {way}: {cost:.3f} ms")
        return lines

    def _shares(self, name: str) -> Sequence[float]:
        pairs = zip(self.rates[name], self.rates[PEER], strict=True)
        return [own / theirs for own, theirs in pairs]
