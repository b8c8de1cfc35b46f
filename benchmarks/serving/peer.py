"""Gets what `transformers serve` needs besides transformers, into the cache."""

import hashlib
from pathlib import Path

from benchmarks.gateway.programs import FOLDER
from tools.venvs import uv

# What transformers[serving] names, apart from what .venv-models has.
_PACKAGES = (
    "fastapi==0.165.0",
    "openai==3.57.0",
    "python-multipart==0.0.34",
    "uvicorn==0.54.0",
)


def serve_packages() -> Path:
    """A folder for PYTHONPATH, beside the packages of .venv-models."""
    digest = hashlib.sha256(" ".join(_PACKAGES).encode()).hexdigest()[:12]
    folder = FOLDER / f"transformers-serve-{digest}"
    done = folder / ".complete"
    if not done.exists():
        print("installing what transformers serve needs ...", flush=True)
        uv("pip install -q -p", ".venv-models/bin/python", "--target", str(folder), *_PACKAGES)
        done.touch()
    return folder
