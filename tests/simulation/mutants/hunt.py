"""Runs a mutant until it is caught."""

import pytest

from tests.simulation.mutants.mutant import Mutant
from tests.simulation.run import Outcome, run

CEILING = 10_000


def hunt(mutant: Mutant) -> Outcome | None:
    """The first run that breaks an invariant with the mutant and none without it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        mutant.put_in(monkeypatch)
        for seed in range(CEILING):
            outcome = run(seed, put_together=mutant.put_together)
            if outcome.violations:
                break
        else:
            return None
    if run(seed).violations:
        raise AssertionError(f"seed {seed} breaks an invariant without any mutant")
    return outcome
