"""The simulation catches what it is for: each bug put in on purpose is found."""

from pathlib import Path

import pytest

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import hunt, told
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.run import run


# The longest hunt takes half a minute of a core that is free.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_where_the_product_breaks_nothing(mutant: Mutant) -> None:
    caught = hunt(mutant)
    print(told(mutant, caught))
    assert caught is not None
    assert run(caught.seed).violations == ()


def test_a_mutant_of_something_that_is_not_there_is_an_error() -> None:
    def put_in(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gpu_provisioner.lifecycle.garbage_collection.sweep_everything", None)

    with pytest.raises(AttributeError):
        hunt(Mutant("of nothing", 1, put_in))


def test_there_are_enough_and_each_is_another() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 16


def test_the_page_of_the_simulation_names_them_all() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()
    assert [mutant.name for mutant in MUTANTS if mutant.name not in page] == []
