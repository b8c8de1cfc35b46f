"""Every bug that is introduced on purpose is found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.hunt import hunt
from tests.simulation.mutants.mutant import Mutant
from tests.simulation.mutants.verdict import Catch, Verdict
from tests.simulation.run import run, run_demand

_TESTS = Path(__file__).parents[1]
_HUNTED = [mutant for mutant in MUTANTS if mutant.budget and not mutant.rare]
_BY_UNIT_TESTS = [mutant for mutant in MUTANTS if not mutant.budget]


# The slowest mutant takes half a minute on an idle core.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", _HUNTED, ids=lambda mutant: mutant.name)
def test_mutant_is_caught_in_a_schedule_that_passes_without_it(mutant: Mutant) -> None:
    caught = hunt(mutant)
    assert caught is not None
    print(Verdict(mutant, Catch.of(caught), by_unit_test=False).details())
    whole = run_demand(caught.seed) if mutant.demand else run(caught.seed)
    assert whole.violations == ()


def test_unit_test_fails_under_the_mutation_that_names_it() -> None:
    """In a process of its own, because a fork of one with threads may hang."""
    name = "the case of the names of tags counts"
    command = [sys.executable, "-m", "tests.simulation.mutants", "--unit", "--only", name]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "mutants: 1 of 1 caught; 0 by both, 0 by the simulation alone, 1 by a unit test alone, "
        "0 by neither",
    )


@pytest.mark.parametrize("name", [mutant.unit_test for mutant in MUTANTS if mutant.unit_test])
def test_unit_test_that_a_mutant_names_exists(name: str) -> None:
    path, _, test = name.partition("::")
    assert f"def {test}(" in (_TESTS / path).read_text()


def test_mutant_that_is_not_hunted_names_a_unit_test() -> None:
    assert [mutant.name for mutant in _BY_UNIT_TESTS if not mutant.unit_test] == []


def test_mutant_of_a_missing_attribute_is_an_error() -> None:
    def apply(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("gpu_provisioner.lifecycle.garbage_collection.sweep_everything", None)

    with pytest.raises(AttributeError):
        hunt(Mutant("of nothing", 1, apply))


def test_mutants_have_distinct_names() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 50


def test_documentation_lists_every_mutant() -> None:
    page = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()
    assert [mutant.name for mutant in MUTANTS if mutant.name not in page] == []
