"""A real gateway on a loopback port, in front of the model-servers of a test."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from inference_gateway.__main__ import create_application
from inference_gateway.backends.backend import Backend
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.affinity import affinity_key, rank
from inference_gateway.endpoints.prompt_start import prompt_start
from inference_gateway.server import create_server
from inference_gateway.settings import Limits, Settings
from tests.waiting import HANG_SECONDS, until


@asynccontextmanager
async def gateway(
    connect: Callable[[EndpointAddress], Backend], settings: Settings | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client whose base URL is the gateway's."""
    settings = settings or in_pod()
    application = create_application(settings, connect)
    server = create_server(
        application,
        settings,
        farewell_seconds=0,
        host="127.0.0.1",
        port=0,
        timeout_graceful_shutdown=5,
        loop="none",
    )
    # serve() would install signal handlers in the test process.
    task = asyncio.create_task(server._serve())
    await until(lambda: server.started or task.done())
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            yield client
    finally:
        server.should_exit = True
        await task


def in_pod(**limits: float) -> Settings:
    # Nothing listens on port 1: the backends of the tests replace the connection.
    return Settings(backend="127.0.0.1:1", limits=Limits(**limits))  # type: ignore[arg-type]


@asynccontextmanager
async def front_door(
    folder: Path,
    backends: Mapping[str, Backend],
    ready: int,
    **limits: float,
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a front door for these Workspaces, once `ready` of them are ready.

    The names are namespace/workspace; a name without a namespace is in namespace n.
    """
    settings = Settings(limits=Limits(**limits))  # type: ignore[arg-type]
    async with front_door_with(settings, folder, backends, ready) as client:
        yield client


@asynccontextmanager
async def front_door_with(
    settings: Settings, folder: Path, backends: Mapping[str, Backend], ready: int
) -> AsyncIterator[aiohttp.ClientSession]:
    """The same with other settings."""
    labels = {name if "/" in name else f"n/{name}": backend for name, backend in backends.items()}
    file = folder / "backends.yaml"
    entries = [
        {"model": "phi", "namespace": namespace, "workspace": name, "address": f"{name}:1"}
        for namespace, name in (label.split("/") for label in labels)
    ]
    file.write_text(yaml.safe_dump({"backends": entries}))
    settings = replace(settings, backends_file=file)
    async with gateway(lambda address: labels[address.label], settings) as client:
        ready_now = 0
        async with asyncio.timeout(HANG_SECONDS):
            while ready_now < ready:
                text = await (await client.get("/metrics")).text()
                gauge = text.index("TYPE kaito_gateway_backend_ready")
                ready_now = text.count("} 1.0\n", gauge)
        yield client


def asked_in_order(names: Sequence[str], path: str, body: Mapping[str, Any]) -> list[str]:
    """The idle Workspaces of a `front_door` in the order in which this request tries them."""
    key = affinity_key(body["model"], prompt_start(path, json.dumps(body).encode()))
    return [names[index] for index in rank(key, [f"{name}:1" for name in names])]
