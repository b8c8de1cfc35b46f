"""A real model-server over a real small model, with adapters."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tests.processes.service import MODELS_PYTHON, Service, free_port, start

MODEL = "tiny"
TOKEN = "correct horse battery staple"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelServer:
    """A process, and where it listens."""

    service: Service
    address: str
    administration: str


def start_model_server(
    name: str,
    logs: Path,
    *,
    model: Path,
    adapters: Path,
    context_tokens: int = 256,
    port: int | None = None,
    default_adapter: str = "",
) -> ModelServer:
    """Start the process; it answers once its log says "serving"."""
    port = port or free_port()
    administration = free_port()
    environ = {
        "KAITO_MODEL_NAME": MODEL,
        "KAITO_DEFAULT_ADAPTER": default_adapter,
        "KAITO_MODEL_PATH": str(model),
        # In float32, an answer does not depend on which others are in its batch.
        "KAITO_DTYPE": "float32",
        "KAITO_MAX_MODEL_LEN": str(context_tokens),
        "KAITO_ADAPTERS_DIR": str(adapters),
        "KAITO_GRPC_PORT": str(port),
        "KAITO_METRICS_PORT": "0",
        "KAITO_ADMINISTRATION_PORT": str(administration),
        "KAITO_ADMINISTRATION_TOKEN_SHA256": hashlib.sha256(TOKEN.encode()).hexdigest(),
        "KAITO_TERMINATION_LOG": str(logs / f"{name}.termination"),
        "KAITO_KV_CACHE_BYTES": str(64 * 2**20),
        "OMP_NUM_THREADS": "1",
    }
    service = start(name, MODELS_PYTHON, "model_server", log=logs / f"{name}.log", environ=environ)
    return ModelServer(
        service=service,
        address=f"127.0.0.1:{port}",
        administration=f"127.0.0.1:{administration}",
    )
