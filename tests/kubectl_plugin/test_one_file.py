"""The one file as users run it: on a Python that has no other packages, far from a checkout."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kaito_kube.kinds import WORKSPACE
from tests.kubectl_kaito.cluster.test_kubernetes_cluster import kubeconfig
from tests.kubectl_kaito.loopback import serving

WORKSPACE_LIST = {
    "apiVersion": WORKSPACE.api_version,
    "kind": "WorkspaceList",
    "metadata": {},
    "items": [
        {
            "metadata": {"name": "chat", "namespace": "team"},
            "inference": {"preset": {"name": "phi-4"}},
            "status": {"state": "Ready", "nodes": "1/1", "costPerHour": "$3.67"},
        }
    ],
}


@dataclass
class Machine:
    """A user's machine: a Python under its usual name, a home, and the program."""

    folder: Path
    program: Path

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.program), *arguments],
            cwd="/",
            env={
                "HOME": str(self.folder),
                "PATH": f"{self.folder / 'bin'}:/usr/bin:/bin",
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=100,
        )


@pytest.fixture(scope="module")
def machine(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    folder = tmp_path_factory.mktemp("machine")
    (folder / "bin").mkdir()
    # The interpreter that this environment is made from, and so without its packages.
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    (folder / "bin" / base.name).symlink_to(base)
    return Machine(folder, program)


def test_help_needs_nothing_but_a_python(machine: Machine) -> None:
    shown = machine.run("--help")
    assert shown.returncode == 0, shown.stderr
    assert "Usage: kubectl kaito" in shown.stdout


def test_every_package_is_that_of_the_file(machine: Machine) -> None:
    code = (
        "import kubernetes, kubectl_kaito, sys; print(*sys.path, kubectl_kaito.__file__, sep='\\n')"
    )
    paths = machine.run("-c", code, PEX_INTERPRETER="1").stdout.splitlines()
    own = str(machine.folder / ".cache" / "pex")
    packages = [path for path in paths if "site-packages" in path or "kubectl_kaito" in path]
    assert packages and all(path.startswith(own) for path in packages)


def test_a_verb_reads_the_cluster(machine: Machine, tmp_path: Path) -> None:
    with serving((200, WORKSPACE_LIST)) as server:
        file = str(kubeconfig(tmp_path, server.url, namespace="team").kubeconfig)
        listed = machine.run("status", "-o", "json", "--kubeconfig", file)
    assert listed.returncode == 0, listed.stderr
    (row,) = json.loads(listed.stdout)["workspaces"]
    assert (row["name"], row["state"], row["pricePerHour"]) == ("chat", "Ready", 3.67)
    assert [request[1].partition("?")[0] for request in server.requests] == [
        "/apis/kaito.sh/v1beta1/namespaces/team/workspaces"
    ]


def test_models_reads_the_data_files_that_are_packed(machine: Machine) -> None:
    listed = machine.run("models", "phi-4")
    assert listed.returncode == 0, listed.stderr
    assert "phi-4" in listed.stdout


def test_without_a_python_that_it_runs_on_it_says_which_it_takes(
    machine: Machine, tmp_path: Path
) -> None:
    other = Path("/usr/bin/env")
    assert os.access(other, os.X_OK)
    shown = subprocess.run(
        [str(machine.program), "--help"],
        env={"HOME": str(tmp_path), "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert shown.returncode != 0
    assert "python3.11" in shown.stderr
