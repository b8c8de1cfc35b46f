"""The totals of many runs."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.simulation.fault_injector import Fault
from tests.simulation.run import Outcome, run, run_demand
from tests.simulation.violation import ViolationKind

_LOST = (Fault.API_LOST, Fault.ARM_LOST)


@dataclass
class Tally:
    """`failed` maps the seeds that violated an invariant to their first violation."""

    schedules: int = 0
    seconds: float = 0.0
    leaders: int = 0
    fault_counts: Counter[str] = field(default_factory=Counter)
    violation_counts: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        self.schedules += 1
        self.seconds += outcome.seconds
        self.leaders += outcome.leaders
        self.fault_counts.update(outcome.fault_counts)
        if outcome.violations:
            first = outcome.violations[0]
            self.violation_counts[first.kind.value] += 1
            self.failed[outcome.seed] = f"{first.kind.value}: {first.about} {first.what}"

    def add(self, other: "Tally") -> None:
        self.schedules += other.schedules
        self.seconds += other.seconds
        self.leaders += other.leaders
        self.fault_counts.update(other.fault_counts)
        self.violation_counts.update(other.violation_counts)
        self.failed |= other.failed

    def lines(self) -> list[str]:
        """The injected faults, and the summary as the last line."""
        lost = sum(self.fault_counts[fault] for fault in _LOST)
        rest = [fault for fault in Fault if fault not in (Fault.CRASH, *_LOST)]
        return [
            f"{self.seconds / 86400:.0f} days of virtual time, {self.leaders:,} times a leader",
            f"{self.fault_counts[Fault.CRASH]:,} crashes, {lost:,} lost answers",
            *(
                f"{self.fault_counts[fault]:,} {fault.value}"
                for fault in rest
                if self.fault_counts[fault]
            ),
            self.summary(),
        ]

    def summary(self) -> str:
        counts = ", ".join(
            f"{self.violation_counts[kind.value]} {kind.value}" for kind in ViolationKind
        )
        return f"simulation: {self.schedules} schedules, {counts}"


def tally_of(seeds: Iterable[int], *, demand: bool = False) -> Tally:
    tally = Tally()
    for seed in seeds:
        tally.count(run_demand(seed) if demand else run(seed))
    return tally
