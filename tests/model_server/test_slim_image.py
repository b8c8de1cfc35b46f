"""The model-server without torch, as in the image model-server-slim."""

import os
import subprocess
import sys

import pytest

# Python refuses to import a module that is None here, as if it were not installed.
_WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers", "accelerate"):
    sys.modules[name] = None
"""


def run_without_torch(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _WITHOUT_TORCH + code]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(command, capture_output=True, text=True, env=env)


@pytest.mark.parametrize(
    "engine", ["openai_server.engine", "vllm.engine", "contract.follower", "__main__"]
)
def test_an_engine_in_another_container_needs_no_torch(engine: str) -> None:
    found = run_without_torch(f"import model_server.{engine}")
    assert (found.returncode, found.stderr) == (0, "")
