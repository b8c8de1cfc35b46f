"""The first schedules violate no invariant, and a seed always gives the same story."""

import os
import subprocess
import sys

import pytest

from tests.simulation.run import run

_BATCH = 25


@pytest.mark.parametrize("first", range(0, 200, _BATCH))
def test_schedules_violate_no_invariant(first: int) -> None:
    outcomes = [run(seed) for seed in range(first, first + _BATCH)]
    broken = {o.seed: o.violations for o in outcomes if o.violations}
    assert not broken, f"{broken}; its story: make simulate SEED={min(broken)}"
    assert sum(o.leaders for o in outcomes) >= _BATCH


def test_seed_gives_the_same_story() -> None:
    for seed in range(5):
        first, second = run(seed, verbose=True), run(seed, verbose=True)
        assert first.story.lines() == second.story.lines()


def test_seed_gives_the_same_story_in_every_process() -> None:
    """The hash seed of the process does not matter."""
    assert _stories_with_hash_seed("1") == _stories_with_hash_seed("2") != ""


def _stories_with_hash_seed(hash_seed: str) -> str:
    script = (
        "from tests.simulation.run import run\n"
        "for seed in range(6):\n"
        "    print('\\n'.join(run(seed, verbose=True).story.lines()))\n"
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout
