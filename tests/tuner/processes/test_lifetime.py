"""A process of a training, once its launcher is killed."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

from tests.tuner.process import PYTHONPATH

# It says that it is there, and would go on for longer than the test waits.
PROCESS = """
import time
from tuner.processes.lifetime import end_with_parent
end_with_parent()
print("trains", flush=True)
time.sleep(600)
"""
LAUNCHER = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


def test_a_process_ends_with_its_launcher() -> None:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, PROCESS],
        env={**os.environ, "PYTHONPATH": PYTHONPATH},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert launcher.stdout is not None
        assert launcher.stdout.readline() == "trains\n"
        launcher.kill()
        # Its output ends when the process does, which has inherited it.
        assert launcher.communicate(timeout=60)[0] == ""
    finally:
        with suppress(ProcessLookupError):
            os.killpg(launcher.pid, signal.SIGKILL)
