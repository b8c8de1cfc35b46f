"""Starts what is compared: a model-server with a gateway, and `transformers serve`."""

import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from benchmarks.process import Process, child, free_port, program
from benchmarks.serving.contenders import GATEWAY, GRPC, MODEL_NAME, SERVE
from benchmarks.serving.peer import serve_packages

_PYTHON = ".venv-models/bin/python"
_START_SECONDS = 180.0
# The cache of `transformers serve`, which would otherwise take most of the machine: 32,768 tokens,
# as many as the model-server has at most for a context of 1,024.
_PAGES, _PAGE_TOKENS = 256, 64
_CACHE_BYTES = 2 * 2**30


def start(stack: ExitStack, folder: Path, threads: int) -> tuple[dict[str, int], Path]:
    """The ports by the names of the ways, and the model's folder. Closing `stack` ends all."""
    model = folder / "model"
    argv: tuple[str, ...] = (_PYTHON, "-m", "benchmarks.serving.model", str(model))
    subprocess.run(argv, check=True, stderr=subprocess.DEVNULL)
    ports = {name: free_port() for name in (GRPC, GATEWAY, SERVE)}
    omp = {"OMP_NUM_THREADS": str(threads)}
    log = folder / "model-server.log"
    settings = {
        "KAITO_MODEL_NAME": MODEL_NAME,
        "KAITO_MODEL_PATH": str(model),
        "KAITO_CPU_THREADS": str(threads),
        "KAITO_KV_CACHE_BYTES": str(_CACHE_BYTES),
        "KAITO_GRPC_PORT": str(ports[GRPC]),
        "KAITO_METRICS_PORT": str(free_port()),
        "KAITO_TERMINATION_LOG": str(folder / "termination"),
    }
    stack.enter_context(program(log, (_PYTHON, "-m", "model_server"), omp | settings))
    gateway = child(
        folder / "gateway.log",
        "inference_gateway",
        KAITO_BACKEND=f"127.0.0.1:{ports[GRPC]}",
        KAITO_HTTP_HOST="127.0.0.1",
        KAITO_HTTP_PORT=str(ports[GATEWAY]),
    )
    serve_log = folder / "serve.log"
    argv = (_PYTHON, "-m", "transformers.cli.transformers", "serve", str(model))
    argv += ("--continuous-batching", "--host", "127.0.0.1", "--port", str(ports[SERVE]))
    argv += ("--cb-num-blocks", str(_PAGES), "--cb-block-size", str(_PAGE_TOKENS))
    packages = {"PYTHONPATH": str(serve_packages()), "HF_HUB_OFFLINE": "1"}
    running = stack.enter_context(gateway)
    serve = stack.enter_context(program(serve_log, argv, omp | packages))
    _wait(f"http://127.0.0.1:{ports[GATEWAY]}/healthz", running, log)
    _wait(f"http://127.0.0.1:{ports[SERVE]}/health", serve, serve_log)
    return ports, model


def _wait(url: str, process: Process, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.is_running:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"{url} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
