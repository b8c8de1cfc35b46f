"""The programs that a release needs, and how they are run."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tools.local_cluster.paths import Paths
from tools.release.errors import ReleaseError

_REMEDIES = {
    "buildah": "install it (Debian, Ubuntu: apt-get install buildah)",
    "skopeo": "install it (Debian, Ubuntu: apt-get install skopeo)",
    "mmdebstrap": "install it (Debian, Ubuntu: apt-get install mmdebstrap)",
    "git": "install it (Debian, Ubuntu: apt-get install git)",
    "helm": "run `python -m tools.local_cluster build`, or install Helm 3 or newer",
    "kubectl": "run `python -m tools.local_cluster build`, or install kubectl",
}


def require(*names: str) -> dict[str, str]:
    """Returns the path of each program: the local cluster's own, or else the one on PATH.

    Raises:
        ReleaseError: some are missing; the message names all of them.
    """
    own = str(Paths.from_env(os.environ).bin)
    found = {n: shutil.which(n, path=own) or shutil.which(n) for n in names}
    if missing := [f"{name}: {_REMEDIES[name]}" for name, path in found.items() if not path]:
        raise ReleaseError("programs are missing:\n  " + "\n  ".join(missing))
    return {name: str(path) for name, path in found.items()}


def run(command: Sequence[str | Path], *, stdin: str = "", seconds: float = 900) -> str:
    """Returns what the command printed on stdout.

    Raises:
        ReleaseError: it failed or took longer than `seconds`.
    """
    line = [str(part) for part in command]
    try:
        done = subprocess.run(line, input=stdin, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise ReleaseError(f"{' '.join(line)}: did not finish within {seconds:g} s") from error
    if done.returncode:
        raise ReleaseError(f"{' '.join(line)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
