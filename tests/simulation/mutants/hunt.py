"""Runs a mutant until it is caught."""

import pytest

from tests.simulation.mutants.mutant import Mutant
from tests.simulation.run import Outcome, run
from tests.simulation.schedule import draw


def hunt(mutant: Mutant) -> Outcome | None:
    """The first run of its budget that breaks an invariant; None where it survives all of them."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        mutant.put_in(monkeypatch)
        for seed in range(mutant.budget):
            if mutant.needs is not None and mutant.needs not in draw(seed).faults:
                continue
            outcome = run(seed, put_together=mutant.put_together)
            if outcome.violations:
                return outcome
    return None


def told(mutant: Mutant, caught: Outcome | None) -> str:
    if caught is None:
        return f"   never  {mutant.name}: survived {mutant.budget} schedules"
    first = caught.violations[0]
    return f"{caught.seed + 1:8}  {mutant.name}: {first.verdict.value}: {first.what}"
