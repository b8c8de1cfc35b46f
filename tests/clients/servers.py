"""A real gateway in front of a real model-server, as in a Workspace's pod."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients import environments
from tools.venvs import ROOT

MODEL = "tiny"
_START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two listen."""

    url: str
    grpc: str


@contextmanager
def running(folder: Path) -> Iterator[Servers]:
    """Both servers, ready, over a small model with tools that `folder` gets. Logs go there too."""
    (folder / "adapters").mkdir()
    make = (
        "import sys, pathlib; from tests.model_server.tool_model import make_tool_model as make; "
    )
    code = make + "make(pathlib.Path(sys.argv[1]))"
    command = [str(environments.models_python()), "-c", code, str(folder / "model")]
    subprocess.run(command, check=True, cwd=ROOT)
    with serving(folder) as servers:
        yield servers


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Servers]:
    """The model-server of the model and the adapters in `folder`, and the gateway, both ready."""
    http, grpc, metrics, administration = free_ports(4)
    server = {
        "KAITO_MODEL_PATH": str(folder / "model"),
        "KAITO_MODEL_NAME": MODEL,
        "KAITO_ADAPTERS_DIR": str(folder / "adapters"),
        "KAITO_GRPC_PORT": str(grpc),
        "KAITO_METRICS_PORT": str(metrics),
        "KAITO_ADMINISTRATION_PORT": str(administration),
        "KAITO_TERMINATION_LOG": str(folder / "termination.log"),
        **settings,
    }
    gateway = {
        "KAITO_BACKEND": f"127.0.0.1:{grpc}",
        "KAITO_HTTP_HOST": "127.0.0.1",
        "KAITO_HTTP_PORT": str(http),
    }
    with (
        process(folder, str(environments.models_python()), "model_server", server) as first,
        process(folder, sys.executable, "inference_gateway", gateway) as second,
    ):
        url = f"http://127.0.0.1:{http}"
        wait_until_healthy(f"{url}/healthz", (first, second), folder)
        yield Servers(url, f"127.0.0.1:{grpc}")


@contextmanager
def process(
    folder: Path, python: str, module: str, settings: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module with these settings, until the context ends. Its log goes to `folder`."""
    environment = {**os.environ, **settings, "OMP_NUM_THREADS": "1"}
    with (folder / f"{module}.log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", module],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def wait_until_healthy(
    url: str, processes: Sequence[subprocess.Popen[bytes]], folder: Path
) -> None:
    """Wait until the gateway says so.

    Raises:
        TimeoutError: it does not, or a process has ended; the ends of the logs say why.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and all(each.poll() is None for each in processes):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    logs = "\n".join(path.read_text()[-2000:] for path in folder.glob("*.log"))
    raise TimeoutError(f"the servers did not become ready in {_START_SECONDS} s:\n{logs}")


def free_ports(count: int) -> list[int]:
    """TCP ports of loopback that were free a moment ago."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
