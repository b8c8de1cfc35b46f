"""A real vLLM, with the model-server and the gateway of its pod in front of it."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients import environments
from tests.clients.servers import MODEL, free_ports, serving
from tools import vllm_server
from tools.venvs import ROOT

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
    (direct,) = free_ports(1)
    options = (*_COMMON, *OPTIONS[kind])
    log = folder / "vllm.log"
    with vllm_server.running(log, folder / "model", MODEL, direct, *options) as vllm:
        engine = {
            "KAITO_ENGINE": "vllm",
            "KAITO_ENGINE_URL": vllm,
            "KAITO_ENGINE_ADAPTERS_DIR": str(folder / "copies"),
        }
        with serving(folder, **engine) as servers:
            yield Pair(gateway=servers.url, vllm=vllm)
