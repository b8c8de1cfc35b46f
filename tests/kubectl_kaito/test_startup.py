"""Commands start fast: none loads a library that only another one needs.

`make bench-plugin` measures how fast.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kubectl_kaito.app import GROUPS, VERBS
from tests.kubectl_kaito.cluster.test_kubernetes_cluster import kubeconfig
from tests.kubectl_kaito.loopback import serving

# Typer itself loads pydantic to read the options of a verb.
OF_VERBS = ("rich", "kubernetes", "yaml", "httpx2", "urllib3", "kaito_presets")
# What one verb needs, and no other: signatures, datasets, a display that is redrawn.
OF_ONE_VERB = ("cryptography", "kaito_registry", "tuner", "transformers", "numpy", "rich.live")
# The half of the Kubernetes client that is asynchronous, which the one file leaves out.
UNUSED = ("aiohttp", "kubernetes.aio")
HEAVY = (*OF_VERBS, *OF_ONE_VERB, *UNUSED, "pydantic")
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
    assert not {*loaded} & {*OF_VERBS, *OF_ONE_VERB, *UNUSED}
    assert verb in ran.stdout


def test_a_list_of_workspaces_loads_nothing_that_only_other_verbs_need(tmp_path: Path) -> None:
    with serving((200, {"metadata": {}, "items": []})) as server:
        ran = _run("status", "--kubeconfig", str(kubeconfig(tmp_path, server.url).kubeconfig))
    assert ran.returncode == 0, ran.stderr
    loaded = {*ran.stderr.strip().splitlines()[-1].split()}
    assert "kubernetes" in loaded
    assert not loaded & {*OF_ONE_VERB, *UNUSED, "httpx2"}


def test_models_needs_no_kubernetes_client() -> None:
    loaded = _run("models", "phi-4").stderr.split()
    assert "kubernetes" not in loaded
    assert "rich" in loaded
