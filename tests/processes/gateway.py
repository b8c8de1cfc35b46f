"""A real inference-gateway, beside one model-server or as the front door of several."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.processes.service import CONTROL_PYTHON, Service, free_port, start


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A process, and its base URL."""

    service: Service
    url: str


def start_sidecar(name: str, logs: Path, *, backend: str) -> Gateway:
    """Start the gateway of a model's pod; it answers once its log says "Uvicorn running"."""
    return _start(name, logs, {"KAITO_BACKEND": backend})


def start_front_door(
    name: str, logs: Path, *, backends: Mapping[str, str], model: str, **settings: str
) -> Gateway:
    """Start a front door for Workspaces, given as namespace/name and address."""
    file = logs / f"{name}.yaml"
    write_backends(file, backends, model)
    return _start(name, logs, {"KAITO_BACKENDS_FILE": str(file), **settings})


def write_backends(file: Path, backends: Mapping[str, str], model: str) -> None:
    """Write the list that the workspace-controller maintains."""
    entries = [
        {"model": model, "namespace": namespace, "workspace": workspace, "address": address}
        for (namespace, workspace), address in (
            (label.split("/"), address) for label, address in backends.items()
        )
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump({"backends": entries}))


def _start(name: str, logs: Path, environ: Mapping[str, str]) -> Gateway:
    port = free_port()
    service = start(
        name,
        CONTROL_PYTHON,
        "inference_gateway",
        log=logs / f"{name}.log",
        environ={"KAITO_HTTP_HOST": "127.0.0.1", "KAITO_HTTP_PORT": str(port), **environ},
    )
    return Gateway(service=service, url=f"http://127.0.0.1:{port}")
