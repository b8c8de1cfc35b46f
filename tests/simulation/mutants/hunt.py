"""Runs schedules with a mutant until one violates an invariant."""

import pytest

from tests.simulation.mutants.mutant import Mutant
from tests.simulation.run import Outcome, run, run_demand
from tests.simulation.schedule import draw

# What a patch that no longer fits the product ends with, which is no bug that was found.
_MISMATCHES = ("TypeError", "AttributeError")


def hunt(mutant: Mutant) -> Outcome | None:
    """The first run within the budget that violates an invariant, or None.

    Raises:
        AssertionError: the mutant does not fit the product any more.
    """
    with pytest.MonkeyPatch.context() as monkeypatch:
        mutant.apply(monkeypatch)
        for seed in range(mutant.budget):
            if mutant.needs is not None and mutant.needs not in draw(seed).faults:
                continue
            outcome = run_for(mutant, seed)
            if outcome.violations:
                what = outcome.violations[0].what
                assert not any(mismatch in what for mismatch in _MISMATCHES), (
                    f"{mutant.name}: {what}"
                )
                return outcome
    return None


def run_for(mutant: Mutant, seed: int) -> Outcome:
    """The schedule of that seed, in the world that the mutant is hunted in."""
    return run_demand(seed) if mutant.demand else run(seed, composition=mutant.composition)
