"""The version is written in one place, and everything agrees with it."""

import shutil
from pathlib import Path

import pytest

from tools.release.errors import ReleaseError
from tools.release.version import CHART, read_version
from tools.venvs import ROOT


def _copy(folder: Path) -> Path:
    shutil.copytree(ROOT / CHART, folder / CHART)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_this_checkout_has_one_version() -> None:
    assert read_version(ROOT)


@pytest.mark.parametrize(
    "file", ["pyproject.toml", f"{CHART}/Chart.yaml", f"{CHART}/charts/gpu-provisioner/Chart.yaml"]
)
def test_version_that_differs_is_named(tmp_path: Path, file: str) -> None:
    changed = _copy(tmp_path) / file
    text = changed.read_text()
    version = read_version(tmp_path)
    changed.write_text(text.replace(version, f"{version}-dev", 1))
    with pytest.raises(ReleaseError, match=rf"{version}-dev.*set both"):
        read_version(tmp_path)
