"""Builds the wheel of `kubectl kaito` into dist/, from the files that pyproject.toml names.

They are copied first: setuptools leaves its own folders beside what it builds.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_FILES = ("pyproject.toml", "README.md", "LICENSE")
_SOURCES = ("cli", "libs", "services/tuner")
_IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info", "BUILD")


def build(output: Path, root: Path = ROOT) -> Path:
    """The path of the wheel, built from the checkout at `root` without any download."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder)
        for name in _FILES:
            shutil.copy(root / name, staged / name)
        for name in _SOURCES:
            shutil.copytree(root / name, staged / name, ignore=_IGNORED)
        code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
        command = [sys.executable, "-c", code, str(output.resolve())]
        subprocess.run(command, cwd=staged, check=True, capture_output=True, text=True)
    (wheel,) = output.glob("kubectl_kaito-*.whl")
    return wheel


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.kubectl_plugin", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    output = parser.parse_args().output
    for old in output.glob("kubectl_kaito-*.whl"):
        old.unlink()
    print(build(output))


if __name__ == "__main__":
    main()
