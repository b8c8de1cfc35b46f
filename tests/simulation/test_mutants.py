"""The simulation finds every bug that is introduced on purpose."""

from pathlib import Path

import pytest

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import describe, hunt
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.run import run


# The slowest mutant takes half a minute on an idle core.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught_in_a_schedule_that_passes_without_it(mutant: Mutant) -> None:
    caught = hunt(mutant)
    print(describe(mutant, caught))
    assert caught is not None
    assert run(caught.seed).violations == ()


def test_mutant_of_a_missing_attribute_is_an_error() -> None:
    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gpu_provisioner.lifecycle.garbage_collection.sweep_everything", None)

    with pytest.raises(AttributeError):
        hunt(Mutant("of nothing", 1, apply))


def test_mutants_have_distinct_names() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 16


def test_documentation_lists_every_mutant() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()
    assert [mutant.name for mutant in MUTANTS if mutant.name not in page] == []
