"""A real vLLM, with the model-server and the gateway of its pod in front of it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients import environments
from tests.clients.servers import free_ports, process, wait_until_healthy
from tools import vllm_server
from tools.venvs import ROOT

MODEL = "tiny"
# Compiling takes longer than these calls, and answers in float32 do not depend on the batch.
_COMMON = ("--enforce-eager", "--dtype", "float32", "--max-num-seqs", "16")
# A model that knows nothing would fill its documents with blanks until its tokens are used up.
_COMPACT = (
    "--structured-outputs-config",
    '{"backend": "xgrammar", "disable_any_whitespace": true}',
)
# Those of the kinds of model.
OPTIONS: Mapping[str, tuple[str, ...]] = {
    "text": _COMPACT,
    "embeddings": ("--runner", "pooling"),
    "classes": ("--runner", "pooling", "--no-enable-lora"),
    "images": ("--no-enable-lora",),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """The two addresses at which the same model answers."""

    gateway: str
    vllm: str


@contextmanager
def running(kind: str, folder: Path) -> Iterator[Pair]:
    """All three, ready, over a model of that kind that `folder` gets. Logs go there too."""
    models_python = str(environments.models_python())
    make = [models_python, "-m", "tests.clients.vllm.models", kind, str(folder)]
    subprocess.run(make, check=True, cwd=ROOT)
    for name in ("adapters", "copies"):
        (folder / name).mkdir(exist_ok=True)
    direct, http, grpc, metrics, administration = free_ports(5)
    options = (*_COMMON, *OPTIONS[kind])
    log = folder / "vllm.log"
    with vllm_server.running(log, folder / "model", MODEL, direct, *options) as vllm:
        server = {
            "KAITO_ENGINE": "vllm",
            "KAITO_ENGINE_URL": vllm,
            "KAITO_ENGINE_ADAPTERS_DIR": str(folder / "copies"),
            "KAITO_MODEL_PATH": str(folder / "model"),
            "KAITO_MODEL_NAME": MODEL,
            "KAITO_ADAPTERS_DIR": str(folder / "adapters"),
            "KAITO_GRPC_PORT": str(grpc),
            "KAITO_METRICS_PORT": str(metrics),
            "KAITO_ADMINISTRATION_PORT": str(administration),
            "KAITO_TERMINATION_LOG": str(folder / "termination.log"),
        }
        gateway = {
            "KAITO_BACKEND": f"127.0.0.1:{grpc}",
            "KAITO_HTTP_HOST": "127.0.0.1",
            "KAITO_HTTP_PORT": str(http),
        }
        with (
            process(folder, models_python, "model_server", server) as first,
            process(folder, sys.executable, "inference_gateway", gateway) as second,
        ):
            url = f"http://127.0.0.1:{http}"
            wait_until_healthy(f"{url}/healthz", (first, second), folder)
            yield Pair(gateway=url, vllm=vllm)
