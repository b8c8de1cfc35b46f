"""The wheel of `kubectl kaito`, from the files that pyproject.toml names.

They are copied first: setuptools leaves its own folders beside what it builds.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tools.release.programs import run
from tools.venvs import ROOT

_FILES = ("pyproject.toml", "README.md", "LICENSE")
_SOURCES = ("cli", "libs", "services/tuner")
_BUILD = """
import os, sys
from setuptools import build_meta
os.chdir(sys.argv[1])
build_meta.build_wheel(sys.argv[2])
"""
_IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info", "BUILD")


def build_wheel(output: Path, root: Path = ROOT) -> Path:
    """The path of the wheel, built from the checkout at `root` without any download.

    Raises:
        ReleaseError: setuptools refuses.
    """
    output.mkdir(parents=True, exist_ok=True)
    for old in output.glob("kubectl_kaito-*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder)
        for name in _FILES:
            shutil.copy(root / name, staged / name)
        for name in _SOURCES:
            shutil.copytree(root / name, staged / name, ignore=_IGNORED)
        run([sys.executable, "-c", _BUILD, staged, output.resolve()])
    (wheel,) = output.glob("kubectl_kaito-*.whl")
    return wheel
