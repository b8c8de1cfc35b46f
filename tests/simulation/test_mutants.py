"""The simulation catches what it is for: each bug put in on purpose is found."""

import pytest

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import hunt
from tests.simulation.mutants.mutant import Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught(mutant: Mutant) -> None:
    assert hunt(mutant) is not None


def test_there_are_enough_and_each_is_another() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12
