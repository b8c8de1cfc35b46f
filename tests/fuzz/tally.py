"""What a fuzzer has done and found: counts by route and status, and one finding for each kind."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of problem, with a way to bring it about again."""

    where: str
    problem: str
    reproduction: tuple[str, ...] = ()

    @property
    def kind(self) -> tuple[str, str]:
        return self.where, self.problem

    def lines(self) -> list[str]:
        return [f"FOUND {self.where}: {self.problem}", *(f"  {line}" for line in self.reproduction)]


@dataclass(slots=True)
class Tally:
    """`counts` are those of answers by (route or RPC, status)."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    canaries: Counter[str] = field(default_factory=Counter)

    @property
    def cases(self) -> int:
        return self.counts.total()

    def add(self, finding: Finding) -> None:
        """Keep the shortest way to each kind of problem."""
        known = self.findings.get(finding.kind)
        if known is None or _size(finding) < _size(known):
            self.findings[finding.kind] = finding

    def merge(self, other: "Tally") -> None:
        self.counts += other.counts
        self.canaries += other.canaries
        for finding in other.findings.values():
            self.add(finding)

    def lines(self) -> list[str]:
        """A row for each route, and the findings."""
        rows = [f"{route:<58} {_statuses(self.counts, route)}" for route in _routes(self.counts)]
        found = [line for finding in self.findings.values() for line in finding.lines()]
        return [*rows, *found]


def _routes(counts: Iterable[tuple[str, str]]) -> list[str]:
    return sorted({route for route, _ in counts})


def _statuses(counts: Counter[tuple[str, str]], route: str) -> str:
    found = sorted((status, count) for (name, status), count in counts.items() if name == route)
    return "  ".join(f"{status} {count}" for status, count in found)


def _size(finding: Finding) -> int:
    return sum(map(len, finding.reproduction))
