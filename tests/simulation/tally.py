"""What came of many runs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.judge import Verdict
from tests.simulation.run import Outcome, run
from tests.simulation.weather import Fault

_LOST = (Fault.API_LOST, Fault.ARM_LOST)


@dataclass
class Tally:
    """`failed` are seeds whose run broke an invariant, with the first one's words."""

    schedules: int = 0
    seconds: float = 0.0
    leaders: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        self.schedules += 1
        self.seconds += outcome.seconds
        self.leaders += outcome.leaders
        self.struck.update(outcome.struck)
        if outcome.violations:
            first = outcome.violations[0]
            self.verdicts[first.verdict.value] += 1
            self.failed[outcome.seed] = f"{first.verdict.value}: {first.about} {first.what}"

    def add(self, other: "Tally") -> None:
        self.schedules += other.schedules
        self.seconds += other.seconds
        self.leaders += other.leaders
        self.struck.update(other.struck)
        self.verdicts.update(other.verdicts)
        self.failed |= other.failed

    def lines(self) -> list[str]:
        """What was survived, and the verdict as the last line."""
        lost = sum(self.struck[fault] for fault in _LOST)
        rest = [fault for fault in Fault if fault not in (Fault.CRASH, *_LOST)]
        return [
            f"{self.seconds / 86400:.0f} days of virtual time, {self.leaders:,} times a leader",
            f"{self.struck[Fault.CRASH]:,} crashes, {lost:,} lost answers",
            *(f"{self.struck[fault]:,} {fault.value}" for fault in rest if self.struck[fault]),
            self.verdict(),
        ]

    def verdict(self) -> str:
        counts = ", ".join(f"{self.verdicts[verdict.value]} {verdict.value}" for verdict in Verdict)
        return f"simulation: {self.schedules} schedules, {counts}"


def tally_of(seeds: Iterable[int]) -> Tally:
    tally = Tally()
    for seed in seeds:
        tally.count(run(seed))
    return tally
