"""One executable file, `kubectl-kaito`, that holds the plugin and all that it needs but Python."""

import json
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tools.kubectl_plugin import pins
from tools.kubectl_plugin.platforms import PYTHONS, Platform, complete_platform
from tools.release.programs import run
from tools.venvs import CACHE

_ENTRY_POINT = "kubectl_kaito.__main__:main"
# The environment is unpacked once, on the first run, and later runs start as fast as an
# installation: a shell finds it, without a Python that only looks for a Python.
_OPTIONS = ("--venv", "--sh-boot", *(f"--exclude={name}" for name in pins.EXCLUDED))


def build_for(target: Platform, wheel: Path, root: Path, output: Path) -> Path:
    """The file for all supported Pythons of a platform, with wheels from the package index.

    Raises:
        ReleaseError: a wheel is missing, or is not the one that the lock file knows.
    """
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder, "requirements.txt")
        pinned.write_text(pins.pinned(root))
        options = ["--requirement", str(pinned), "--no-build", "--use-pip-config"]
        for python in PYTHONS:
            described = Path(folder, f"{target.name}-{python[0]}.{python[1]}.json")
            described.write_text(json.dumps(complete_platform(target, python)))
            options += ["--complete-platform", str(described)]
        return _pex(wheel, options, output)


def build_from_environment(environment: Path, wheel: Path, root: Path, output: Path) -> Path:
    """The file for the Python of a virtual environment, with what is installed there."""
    # pex remembers interpreters by their path, and a link may lead elsewhere tomorrow.
    options = [*pins.declared(root), "--venv-repository", str(environment.resolve())]
    return _pex(wheel, options, output)


def _pex(wheel: Path, options: Sequence[str], output: Path) -> Path:
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder, "sources")
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(sources, [n for n in packed.namelist() if ".dist-info/" not in n])
        where: list[str | Path] = ["--pex-root", CACHE / "pex", "--sources-directory", sources]
        what: list[str | Path] = ["--entry-point", _ENTRY_POINT, "--output-file", output]
        run([sys.executable, "-m", "pex", *options, *_OPTIONS, *where, *what])
    return output
