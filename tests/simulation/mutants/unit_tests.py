"""Runs the unit test that a mutant names, under the mutation."""

import contextlib
import os
from pathlib import Path

import pytest

from tests.simulation.mutants.mutant import Mutant

_TESTS = Path(__file__).parents[2]


def fails_under(mutant: Mutant) -> bool:
    """Whether the mutant's unit test fails under the mutation.

    It runs in a fork: test modules keep what they imported, which must not outlive the mutation.

    Raises:
        AssertionError: there is no such test.
    """
    child = os.fork()
    if child == 0:
        os._exit(_run(mutant))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    ended = {pytest.ExitCode.OK: False, pytest.ExitCode.TESTS_FAILED: True}
    assert code in ended, f"pytest {mutant.unit_test} ended with {code}"
    return ended[pytest.ExitCode(code)]


def _run(mutant: Mutant) -> int:
    with open(os.devnull, "w") as silence, pytest.MonkeyPatch.context() as monkeypatch:
        mutant.apply(monkeypatch)
        test = f"{_TESTS}/{mutant.unit_test}"
        arguments = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", test]
        with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence):
            return int(pytest.main(arguments))
