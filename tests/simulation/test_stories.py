"""Stories that peers know from their users, and seeds that broke an invariant once."""

from dataclasses import replace

import pytest

from tests.simulation import stories
from tests.simulation.mutants.catalog import MUTANTS
from tests.simulation.mutants.process_mutants import NO_FENCE
from tests.simulation.run import run, run_schedule
from tests.simulation.scene import Script, play
from tests.simulation.schedule import draw

_ALONE = stories.stopped_and_started(1, takes_pods=False)
_CAUGHT = {mutant.name: mutant for mutant in (*MUTANTS, NO_FENCE)}
_BREAKING = (
    ("the finalizer goes before the pool", stories.killed_during_long_creates),
    ("an operation in flight is forgotten by a restart", stories.killed_during_long_creates),
    ("the power state is ignored", _ALONE),
    ("a failed pool goes at once", stories.failed_and_joined_later),
    ("a leader that stood still acts on", stories.a_leader_that_stood_still),
    ("orphans are judged by name", stories.someone_elses_pool_has_the_claims_name),
)


def test_controller_killed_during_a_long_create_and_the_claims_deleted_meanwhile() -> None:
    play(stories.killed_during_long_creates)


@pytest.mark.parametrize("takes_pods", [True, False], ids=["controllers too", "controllers stay"])
@pytest.mark.parametrize("claims", [1, 4])
def test_cluster_stopped_and_started(claims: int, takes_pods: bool) -> None:
    play(stories.stopped_and_started(claims, takes_pods=takes_pods))


def test_operation_reported_failed_and_its_machine_joins_later() -> None:
    play(stories.failed_and_joined_later)


def test_a_leader_that_stood_still_acts_no_more() -> None:
    play(stories.a_leader_that_stood_still)


def test_someone_elses_pool_has_the_claims_name() -> None:
    play(stories.someone_elses_pool_has_the_claims_name)


@pytest.mark.parametrize(("mutant", "story"), _BREAKING, ids=[name for name, _ in _BREAKING])
def test_a_story_ends_badly_with_the_bug_that_it_is_about(mutant: str, story: Script) -> None:
    found = _CAUGHT[mutant]
    with pytest.MonkeyPatch.context() as monkeypatch, pytest.raises((AssertionError, TimeoutError)):
        found.put_in(monkeypatch)
        play(story, put_together=found.put_together)


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(6, id="6: a Workspace was deleted for ever, after a list from before"),
    ],
)
def test_a_seed_that_broke_an_invariant_once(seed: int) -> None:
    assert run(seed).violations == ()


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(312, id="312: a call of a process that was dead"),
        pytest.param(1601, id="1601: a list seconds old let a claim go before its pool"),
        pytest.param(8678, id="8678: a Retry-After that came when nobody waited any more"),
        *(119, 199, 287, 453, 1287, 1453),
    ],
)
def test_a_seed_that_broke_one_when_an_actor_made_the_claims(seed: int) -> None:
    assert run_schedule(replace(draw(seed), controllers=0)).violations == ()
