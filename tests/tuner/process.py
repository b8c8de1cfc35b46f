"""The tuner as a process of its own."""

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
    """`python -m tuner COMMAND`; killed on leaving if it still runs."""
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


def run_tuner(command: str, environ: Mapping[str, str]) -> tuple[int, str, str]:
    """Runs it to its end; exit code, stdout, stderr."""
    with running_tuner(command, environ) as process:
        out, err = process.communicate(timeout=100)
        return process.returncode, out, err


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    """Returns once `condition()` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition never held")
        time.sleep(0.01)
