"""Starts what is compared: a model-server with a gateway, beside an engine's own server."""

import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.model_folder import write_model
from benchmarks.process import Process, child, free_port, program
from benchmarks.serving.contenders import GATEWAY, GRPC, MODEL_NAME, PEER
from benchmarks.serving.peer import serve_packages
from tools import vllm_server

MODEL_SERVER, API_SERVER = "model-server", "vLLM's API server"
_PYTHON = ".venv-models/bin/python"
_MODEL = "llama-26m"
# vLLM compiles the model, on cores that others use as well.
_START_SECONDS = 600.0
# The cache of `transformers serve`, which would otherwise take most of the machine: 32,768 tokens,
# as many as the model-server has at most for a context of 1,024.
_PAGES, _PAGE_TOKENS = 256, 64
_CACHE_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """One engine: the ports by the names of the ways, and the peer's name of the model.

    `hops` are the processes between a client and the engine. A peer with a cache of its own is not
    the engine itself.
    """

    engine: str
    peer: str
    ports: Mapping[str, int]
    peer_model: str
    has_own_cache: bool
    hops: Mapping[str, Process]


def make_model(folder: Path) -> Path:
    """Write the model that all servers have.

    It has 26 million parameters, so that the model and not the servers takes most of the time, as
    in use.
    """
    model = folder / "model"
    write_model(_PYTHON, model, _MODEL)
    return model


def start_transformers(stack: ExitStack, folder: Path, model: Path, threads: int) -> Contest:
    """The transformers engine beside `transformers serve`. Closing `stack` ends all."""
    ports = {name: free_port() for name in (GRPC, GATEWAY, PEER)}
    omp = {"OMP_NUM_THREADS": str(threads)}
    settings = {
        "KAITO_CPU_THREADS": str(threads),
        "KAITO_KV_CACHE_BYTES": str(_CACHE_BYTES),
    }
    hops = _start_hops(stack, folder / "transformers", model, ports, omp | settings)
    log = folder / "serve.log"
    argv: tuple[str, ...] = (_PYTHON, "-m", "transformers.cli.transformers", "serve", str(model))
    argv += ("--continuous-batching", "--host", "127.0.0.1", "--port", str(ports[PEER]))
    argv += ("--cb-num-blocks", str(_PAGES), "--cb-block-size", str(_PAGE_TOKENS))
    packages = {"PYTHONPATH": str(serve_packages()), "HF_HUB_OFFLINE": "1"}
    serve = stack.enter_context(program(log, argv, omp | packages))
    _wait(f"http://127.0.0.1:{ports[PEER]}/health", (serve,), log)
    _wait_for_gateway(ports, hops, folder / "transformers")
    return Contest(
        engine="transformers",
        peer="transformers serve",
        ports=ports,
        peer_model=str(model),
        has_own_cache=True,
        hops=hops,
    )


def start_vllm(stack: ExitStack, folder: Path, model: Path, threads: int) -> Contest:
    """vLLM's own server for CPUs, which is also the engine of the other ways."""
    return start_vllm_server(stack, folder, model, VllmServer(environ=vllm_server.environ(threads)))


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmServer:
    """vLLM's own server; `python` has vLLM, and `models_python` what a model-server needs."""

    environ: Mapping[str, str]
    python: Path = vllm_server.PYTHON
    models_python: str = _PYTHON
    options: tuple[str, ...] = ("--max-num-seqs", "64")
    start_seconds: float = _START_SECONDS


def start_vllm_server(stack: ExitStack, folder: Path, model: Path, wanted: VllmServer) -> Contest:
    """The same with any build of vLLM."""
    ports = {name: free_port() for name in (GRPC, GATEWAY, PEER)}
    log = folder / "vllm.log"
    argv = vllm_server.command(
        model, MODEL_NAME, ports[PEER], *wanted.options, python=wanted.python
    )
    server = stack.enter_context(program(log, argv, wanted.environ))
    url = f"http://127.0.0.1:{ports[PEER]}"
    _wait(f"{url}/health", (server,), log, wanted.start_seconds)
    engine = {"KAITO_ENGINE": "vllm", "KAITO_ENGINE_URL": url}
    hops = _start_hops(stack, folder / "vllm", model, ports, engine, wanted.models_python)
    _wait_for_gateway(ports, hops, folder / "vllm")
    return Contest(
        engine="vllm",
        peer="vllm serve",
        ports=ports,
        peer_model=MODEL_NAME,
        has_own_cache=False,
        hops=hops | {API_SERVER: server},
    )


def _start_hops(
    stack: ExitStack,
    folder: Path,
    model: Path,
    ports: Mapping[str, int],
    settings: Mapping[str, str],
    python: str = _PYTHON,
) -> dict[str, Process]:
    """A model-server and its gateway, by their names."""
    folder.mkdir()
    own = {
        "KAITO_MODEL_NAME": MODEL_NAME,
        "KAITO_MODEL_PATH": str(model),
        "KAITO_ADAPTERS_DIR": str(folder / "none"),
        "KAITO_GRPC_PORT": str(ports[GRPC]),
        "KAITO_METRICS_PORT": str(free_port()),
        "KAITO_TERMINATION_LOG": str(folder / "termination"),
    }
    log = folder / "model-server.log"
    server = stack.enter_context(program(log, (python, "-m", "model_server"), {**own, **settings}))
    gateway = child(
        folder / "gateway.log",
        "inference_gateway",
        KAITO_BACKEND=f"127.0.0.1:{ports[GRPC]}",
        KAITO_HTTP_HOST="127.0.0.1",
        KAITO_HTTP_PORT=str(ports[GATEWAY]),
    )
    return {MODEL_SERVER: server, GATEWAY: stack.enter_context(gateway)}


def _wait_for_gateway(ports: Mapping[str, int], hops: Mapping[str, Process], folder: Path) -> None:
    log = folder / "model-server.log"
    _wait(f"http://127.0.0.1:{ports[GATEWAY]}/healthz", tuple(hops.values()), log)


def _wait(
    url: str, processes: Iterable[Process], log: Path, start_seconds: float = _START_SECONDS
) -> None:
    """Returns once the URL answers, which needs all these processes."""
    deadline = time.monotonic() + start_seconds
    while time.monotonic() < deadline and all(process.is_running for process in processes):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"{url} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
