"""Caches the trained model and the dataset, keyed by the sources that generate them."""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kaito_process.cpu import has_bfloat16
from tools import venvs
from tools.venvs import CACHE, ROOT

# The modules of this package that each generator imports. When one changes, it runs again.
SOURCES = {
    "train": ("train", "rescaling", "tokenizer", "chats", "facts"),
    "dataset": ("dataset", "chats", "facts"),
}


def key(module: str) -> str:
    """The cache key: a digest of sources, locked packages and the CPU's number format."""
    total = hashlib.sha256((ROOT / "requirements" / "models.lock").read_bytes())
    total.update(str(has_bfloat16(os.environ)).encode())
    for name in SOURCES[module]:
        total.update((ROOT / "tools" / "preset_models" / f"{name}.py").read_bytes())
    return total.hexdigest()[:12]


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold the folder's lock, so that a second run waits for the result of the first."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(target.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _cached(module: str, target: Path, argument: Path) -> Path:
    """The folder that `module` generates on first use; it is either complete or absent."""
    if target.exists():
        return target
    with _locked(target):
        if not target.exists():
            scratch = target.with_name(target.name + ".new")
            scratch.mkdir(exist_ok=True)
            python = venvs.make("models") / "bin" / "python"
            line = [str(python), "-m", f"tools.preset_models.{module}", str(scratch / argument)]
            # A second thread mostly waits for the first: on a busy machine it makes training 12
            # times slower.
            one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
            subprocess.run(line, check=True, cwd=ROOT, env=one_thread)
            scratch.rename(target)
    return target


def model_folder() -> Path:
    """The folder with the model's files; trains the model if its sources changed (minutes)."""
    return _cached("train", CACHE / "models" / key("train"), Path())


def dataset_folder() -> Path:
    """The folder with train.parquet."""
    return _cached("dataset", CACHE / "datasets" / key("dataset"), Path("train.parquet"))
