"""The wheel, and the file that holds all but Python; both are built once."""

import sys
from pathlib import Path

import pytest

from tools.kubectl_plugin.one_file import build_from_environment
from tools.kubectl_plugin.wheel import build_wheel
from tools.venvs import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For this Python, with this environment's packages; a release takes them from the index."""
    output = tmp_path_factory.mktemp("one-file") / "kubectl-kaito"
    return build_from_environment(Path(sys.prefix), wheel, ROOT, output)
