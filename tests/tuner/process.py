"""Runs the tuner as a separate process."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHONPATH = ":".join(str(ROOT / part) for part in ("services/tuner", "libs", "proto/gen"))


@contextmanager
def running_tuner(command: str, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m tuner COMMAND`, and kill it when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tuner", command],
        env={**os.environ, "PYTHONPATH": PYTHONPATH, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run_tuner(
    command: str, environ: Mapping[str, str], seconds: float = 100
) -> tuple[int, str, str]:
    """Run it to its end and return the exit code, stdout and stderr."""
    with running_tuner(command, environ) as process:
        out, err = process.communicate(timeout=seconds)
        return process.returncode, out, err


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait until `condition()` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the condition did not hold within {seconds:g} seconds")
        time.sleep(0.01)
