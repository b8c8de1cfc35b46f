"""The clients, each as a command that prints one line of JSON for each call."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.clients import environments, grpcurl, walkthrough
from tests.clients.report import Result, parse
from tests.clients.servers import Servers
from tools.venvs import ROOT

_TIMEOUT_SECONDS = 300


def _script(name: str) -> Callable[[Servers], list[Result]]:
    def run(servers: Servers) -> list[Result]:
        module = f"tests.clients.python.{name}_client"
        return _run(name, [str(environments.python()), "-m", module, servers.url])

    return run


def _node(servers: Servers) -> list[Result]:
    script = environments.HERE / "node" / "client.mjs"
    folder = environments.node_folder()
    # Node looks for packages beside the script.
    copy = folder / script.name
    copy.write_bytes(script.read_bytes())
    return _run("openai (npm)", ["node", str(copy), servers.url], folder)


def _go(servers: Servers) -> list[Result]:
    return _run(
        "Go, from the contract", [str(environments.go_folder() / "bin/client"), servers.grpc]
    )


def _run(client: str, command: list[str], folder: Path = ROOT) -> list[Result]:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
    )
    results = parse(client, done.stdout)
    if done.returncode or not results:
        error = (done.stderr.strip().splitlines() or ["no output"])[-1]
        results.append(Result(client, "the script", error, ok=False))
    return results


CLIENTS: Mapping[str, Callable[[Servers], list[Result]]] = {
    "openai": _script("openai"),
    "huggingface_hub": _script("huggingface_hub"),
    "langchain": _script("langchain"),
    "litellm": _script("litellm"),
    "npm": _node,
    "curl": walkthrough.run,
    "grpcurl": grpcurl.run,
    "go": _go,
}
