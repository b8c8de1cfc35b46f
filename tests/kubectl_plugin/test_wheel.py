"""The wheel as users install it: alone in an environment, with a program that kubectl finds."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from kaito_presets import catalog

SITE_PACKAGES = Path(pytest.__file__).parents[1]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The installed program. Its requirements come from this environment and not from an index."""
    folder = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    command = [python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": ""})
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "requirements.pth").write_text(str(SITE_PACKAGES))
    yield folder / "bin" / "kubectl-kaito"


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Elsewhere, and without this checkout on the path.
    environment = {**os.environ, "PYTHONPATH": "", "KUBECONFIG": "/nonexistent"}
    return subprocess.run(
        [str(installed), *arguments],
        cwd="/",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_wheel_holds_the_plugin_its_libraries_and_their_data_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    libraries = {"api", "keys", "kube", "presets", "process", "registry", "signatures", "skus"}
    assert tops == {
        "kubectl_kaito",
        "tuner",
        *(f"kaito_{name}" for name in libraries | {"training"}),
    }
    # Of the tuner, what reads datasets.
    assert not any(name.startswith(("tuner/training/", "tuner/registry/")) for name in names)
    assert "tuner/templates/qlora.yaml" in names and "kubectl_kaito/upload/receive.py" in names
    presets = [name for name in names if name.startswith("kaito_presets/models/")]
    assert len([n for n in presets if n.endswith(".yaml")]) == len(catalog.load().presets)
    assert "kaito_skus/skus/azure.yaml" in names


def test_wheel_names_requirements_that_the_lock_file_meets(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(archive.read(name).decode())
    for requirement in metadata.get_all("Requires-Dist") or ():
        parsed = Requirement(requirement)
        if parsed.marker and not parsed.marker.evaluate({"extra": ""}):
            # Of another platform, or what reads datasets, which models.lock has.
            continue
        assert version(parsed.name) in parsed.specifier


def test_the_installed_program_needs_no_checkout(installed: Path) -> None:
    assert "Usage: kubectl kaito" in run(installed, "--help").stdout
    listed = run(installed, "models", "-o", "json")
    assert listed.returncode == 0, listed.stderr
    assert '"name": "phi-4"' in listed.stdout


def test_the_installed_program_reports_a_missing_cluster_in_one_line(installed: Path) -> None:
    result = run(installed, "status")
    assert result.returncode == 3
    assert result.stderr.startswith("error: no cluster is configured")
    assert len(result.stderr.splitlines()) == 1


def test_completion_scripts_name_the_program(installed: Path) -> None:
    shown = run(installed, "--show-completion", "bash")
    assert shown.returncode == 0, shown.stderr
    assert "KUBECTL" in shown.stdout
