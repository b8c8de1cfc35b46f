"""Help is fast: it loads no library that only a verb needs."""

import os
import subprocess
import sys

import pytest

from kubectl_kaito.app import GROUPS, VERBS

# Typer itself loads pydantic to read the options of a verb.
OF_VERBS = ("rich", "kubernetes", "yaml", "httpx2", "urllib3", "kaito_presets")
HEAVY = (*OF_VERBS, "pydantic")
_LOADED = """
import sys
from kubectl_kaito.__main__ import run, _environment
code = run({arguments}, _environment())
print("loaded:", *(name for name in {heavy} if name in sys.modules), file=sys.stderr)
sys.exit(code)
"""


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = _LOADED.format(arguments=list(arguments), heavy=HEAVY)
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_help_loads_nothing_heavy() -> None:
    ran = _run("--help")
    assert ran.stderr.strip().splitlines()[-1:] == ["loaded:"]
    assert "kubectl" in ran.stdout


@pytest.mark.parametrize("verb", [*VERBS, *GROUPS])
def test_help_of_a_verb_loads_nothing_that_only_verbs_need(verb: str) -> None:
    ran = _run(verb, "--help")
    loaded = ran.stderr.strip().splitlines()[-1].split()
    assert not {*loaded} & {*OF_VERBS}
    assert verb in ran.stdout


def test_models_needs_no_kubernetes_client() -> None:
    loaded = _run("models", "phi-4").stderr.split()
    assert "kubernetes" not in loaded
    assert "rich" in loaded
