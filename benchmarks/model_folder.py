"""Writes a model with random weights by the Python that has torch."""

import subprocess
from pathlib import Path


def write_model(python: str, folder: Path, name: str, device: str = "cpu") -> None:
    """`name` is a file in benchmarks/models, and `device` is what draws the numbers.

    Raises:
        SystemExit: it cannot be written; the message has the end of the output.
    """
    argv = (python, "-m", "benchmarks.random_model", str(folder), name, device)
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} cannot be written:\n{done.stderr[-2000:]}")
