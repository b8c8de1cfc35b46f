"""The first few hundred schedules, and that a seed is one story wherever it is told."""

import os
import subprocess
import sys

import pytest

from tests.simulation.run import run

_BATCH = 25


@pytest.mark.parametrize("first", range(0, 200, _BATCH))
def test_schedules_break_nothing(first: int) -> None:
    outcomes = [run(seed) for seed in range(first, first + _BATCH)]
    broken = {o.seed: o.violations for o in outcomes if o.violations}
    assert not broken, f"{broken}; its story: make simulate SEED={min(broken)}"
    assert sum(o.leaders for o in outcomes) >= _BATCH


def test_a_seed_is_one_story() -> None:
    for seed in range(5):
        told, again = run(seed, verbose=True), run(seed, verbose=True)
        assert told.story.lines() == again.story.lines()


def test_a_seed_is_one_story_in_every_process() -> None:
    """Whatever the hashes of strings are there."""
    assert _told_with("1") == _told_with("2") != ""


def _told_with(hash_seed: str) -> str:
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
