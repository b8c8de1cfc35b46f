"""Keeps the trained model and the data set in the cache, keyed by the source that makes them."""

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

#: The modules of this package that each run needs: their text decides whether it is run again.
SOURCES = {
    "train": ("train", "steer", "tokenizer", "chats", "facts"),
    "dataset": ("dataset", "chats", "facts"),
}


def key(module: str) -> str:
    """Twelve hex digits of the sources, locked packages and number format that `module` runs on."""
    total = hashlib.sha256((ROOT / "requirements" / "models.lock").read_bytes())
    total.update(str(has_bfloat16(os.environ)).encode())
    for name in SOURCES[module]:
        total.update((ROOT / "tools" / "preset_models" / f"{name}.py").read_bytes())
    return total.hexdigest()[:12]


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Holds the folder's lock, so that of two runs at a time one waits for the other's result."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(target.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _made(module: str, target: Path, argument: Path) -> Path:
    """The folder that `module` fills; made on first use and complete or absent ever after."""
    if target.exists():
        return target
    with _alone(target):
        if not target.exists():
            scratch = target.with_name(target.name + ".new")
            scratch.mkdir(exist_ok=True)
            python = venvs.make("models") / "bin" / "python"
            line = [str(python), "-m", f"tools.preset_models.{module}", str(scratch / argument)]
            # A second thread only waits for the first: 12 times slower on a busy machine.
            one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
            subprocess.run(line, check=True, cwd=ROOT, env=one_thread)
            scratch.rename(target)
    return target


def model_folder() -> Path:
    """The folder with the model's files; trains it first when its source is new (about 75 s)."""
    return _made("train", CACHE / "models" / key("train"), Path())


def dataset_folder() -> Path:
    """The folder that holds train.parquet."""
    return _made("dataset", CACHE / "datasets" / key("dataset"), Path("train.parquet"))
