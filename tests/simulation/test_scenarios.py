"""Incidents known from other projects, and seeds that once violated an invariant."""

from dataclasses import replace

import pytest

from tests.simulation import scenarios
from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.run import run, run_schedule
from tests.simulation.scenario import Scenario, run_scenario
from tests.simulation.schedule import draw

_ALONE = scenarios.stopped_and_started(1, takes_pods=False)
_CAUGHT = {mutant.name: mutant for mutant in MUTANTS}
_BREAKING = (
    ("the finalizer is removed before the pool", scenarios.killed_during_long_creates),
    ("an operation in flight is forgotten at a restart", scenarios.killed_during_long_creates),
    ("the power state is ignored", _ALONE),
    ("a failed pool is deleted at once", scenarios.failed_operation_joined_later),
    ("a paused leader continues to act", scenarios.leader_paused),
    ("orphans are identified by name", scenarios.foreign_pool_has_the_claims_name),
)


def test_claims_deleted_while_controllers_are_down_during_long_creates() -> None:
    run_scenario(scenarios.killed_during_long_creates)


@pytest.mark.parametrize("takes_pods", [True, False], ids=["controllers too", "controllers stay"])
@pytest.mark.parametrize("claims", [1, 4])
def test_cluster_is_stopped_and_started(claims: int, takes_pods: bool) -> None:
    run_scenario(scenarios.stopped_and_started(claims, takes_pods=takes_pods))


def test_machine_of_a_failed_operation_joins_later() -> None:
    run_scenario(scenarios.failed_operation_joined_later)


def test_paused_leader_does_not_act_after_resuming() -> None:
    run_scenario(scenarios.leader_paused)


def test_foreign_pool_with_the_claims_name_is_not_touched() -> None:
    run_scenario(scenarios.foreign_pool_has_the_claims_name)


@pytest.mark.parametrize(("mutant", "story"), _BREAKING, ids=[name for name, _ in _BREAKING])
def test_scenario_fails_with_the_bug_that_it_covers(mutant: str, story: Scenario) -> None:
    found = _CAUGHT[mutant]
    with pytest.MonkeyPatch.context() as monkeypatch, pytest.raises((AssertionError, TimeoutError)):
        found.apply(monkeypatch)
        run_scenario(story, composition=found.composition)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(6, id="6: a Workspace was deleted for ever, after a list from before"),
        pytest.param(79, id="79: two models with the marks of before were taken down at once"),
        pytest.param(2708, id="2708: a machine that joined late marked somebody else's pool"),
        pytest.param(2759, id="2759: a model that the store lacked was updated out of turn"),
        pytest.param(5044, id="5044: a new leader did not know the Node that it had to drain"),
        pytest.param(6242, id="6242: the Node of somebody else's pool was taken over"),
        pytest.param(6308, id="6308: a model whose mark was taken off stayed unobserved"),
    ],
)
def test_seed_that_once_violated_an_invariant(seed: int) -> None:
    assert run(seed).violations == ()


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(312, id="312: a call of a process that was dead"),
        pytest.param(1601, id="1601: a list seconds old let a claim go before its pool"),
        pytest.param(465, id="465: marks were not put back after the cloud had been busy"),
        pytest.param(8678, id="8678: a Retry-After that came when nobody waited any more"),
        *(119, 199, 287, 453, 1287, 1453),
    ],
)
def test_seed_that_once_violated_an_invariant_without_a_controller(seed: int) -> None:
    assert run_schedule(replace(draw(seed), controllers=0)).violations == ()
