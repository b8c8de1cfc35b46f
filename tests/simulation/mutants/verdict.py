"""What caught a mutant, and the table of all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.simulation.mutants.mutant import Mutant
from tests.simulation.run import Outcome


@dataclass(frozen=True, slots=True)
class Catch:
    """The schedule that caught a mutant, and the invariant that it violated."""

    seed: int
    violated: str

    @classmethod
    def of(cls, outcome: Outcome) -> "Catch":
        first = outcome.violations[0]
        return cls(outcome.seed, f"{first.kind.value}: {first.what}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """With `unit_only` no schedules were run."""

    mutant: Mutant
    caught: Catch | None
    by_unit_test: bool
    unit_only: bool = False

    @property
    def is_caught(self) -> bool:
        """Whether everything that the mutant names catches it."""
        by_test = self.by_unit_test or not self.mutant.unit_test
        return by_test and (self.caught is not None or not self.mutant.budget or self.unit_only)

    @property
    def by_simulation(self) -> str:
        """The number of the schedule that caught it."""
        if self.caught is not None:
            return f"schedule {self.caught.seed + 1}"
        return "MISSED" if self.mutant.budget and not self.unit_only else "-"

    @property
    def by_unit(self) -> str:
        if self.by_unit_test:
            return "test"
        return "MISSED" if self.mutant.unit_test else "-"

    def details(self) -> str:
        """How it was caught."""
        how = [self.caught.violated] if self.caught is not None else []
        how += [self.mutant.unit_test] if self.by_unit_test else []
        return f"{self.mutant.name}: {'; '.join(how) or 'NOT CAUGHT'}"


def table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    width = max((len(verdict.mutant.name) for verdict in verdicts), default=0)
    yield f"{'mutant':{width}}  {'simulation':14}  unit tests"
    for verdict in verdicts:
        yield f"{verdict.mutant.name:{width}}  {verdict.by_simulation:14}  {verdict.by_unit}"


def summary(verdicts: Sequence[Verdict]) -> str:
    both = sum(v.caught is not None and v.by_unit_test for v in verdicts)
    simulation = sum(v.caught is not None and not v.by_unit_test for v in verdicts)
    unit = sum(v.caught is None and v.by_unit_test for v in verdicts)
    neither = len(verdicts) - both - simulation - unit
    caught = sum(verdict.is_caught for verdict in verdicts)
    return (
        f"mutants: {caught} of {len(verdicts)} caught; {both} by both, {simulation} by the "
        f"simulation alone, {unit} by a unit test alone, {neither} by neither"
    )
