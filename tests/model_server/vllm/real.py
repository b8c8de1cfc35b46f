"""Runs the contract's tests on a real vLLM: python -m tests.model_server.vllm.real.

Starts vLLM's server for CPUs once, with the tiny model that all engines' tests have, and ends it.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.model_server.tool_model import make_tool_model
from tests.processes.service import free_port
from tools import vllm_server

_TESTS = ("tests/model_server/engine_contract", "tests/model_server/vllm/test_real.py")
# Compiling takes longer than these tests run, and answers in float32 do not depend on the batch.
_OPTIONS = ("--enforce-eager", "--dtype", "float32", "--max-num-seqs", "64")


def main() -> int:
    """The exit code of pytest."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # vLLM's attention for CPUs has no heads of 16 numbers.
        model = make_tool_model(folder / "model", heads=2)
        print("starting vLLM ...", flush=True)
        with vllm_server.running(folder / "vllm.log", model, "tiny", free_port(), *_OPTIONS) as url:
            where = {"KAITO_TEST_VLLM_URL": url, "KAITO_TEST_VLLM_MODEL": str(model)}
            command = (sys.executable, "-m", "pytest", "-q", *_TESTS, *sys.argv[1:])
            return subprocess.run(command, env=os.environ | where).returncode


if __name__ == "__main__":
    sys.exit(main())
