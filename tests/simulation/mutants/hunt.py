"""Runs schedules with a mutant until one violates an invariant."""

import pytest

from tests.simulation.mutants.mutant import Mutant
from tests.simulation.run import Outcome, run
from tests.simulation.schedule import draw


def hunt(mutant: Mutant) -> Outcome | None:
    """The first run within the budget that violates an invariant, or None."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        mutant.apply(monkeypatch)
        for seed in range(mutant.budget):
            if mutant.needs is not None and mutant.needs not in draw(seed).faults:
                continue
            outcome = run(seed, composition=mutant.composition)
            if outcome.violations:
                return outcome
    return None


def describe(mutant: Mutant, caught: Outcome | None) -> str:
    if caught is None:
        return f"   never  {mutant.name}: survived {mutant.budget} schedules"
    first = caught.violations[0]
    return f"{caught.seed + 1:8}  {mutant.name}: {first.kind.value}: {first.what}"
