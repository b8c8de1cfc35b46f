"""The processes of a soak: a front door over three model-servers, each with answers of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes.gateway import Gateway, start_front_door
from tests.processes.model_files import make_adapters
from tests.processes.model_server import MODEL, ModelServer, start_model_server
from tests.processes.service import Service
from tests.soak.answers import Answers, ask_all

# Each has a default adapter, so that no two Workspaces give the same answer to a question.
CHANGING, STEADY, BROKEN = "team-a/changing", "team-b/steady", "team-c/broken"
_ADAPTERS = {CHANGING: ("anna", "coming", "going"), STEADY: ("berta", "bruno"), BROKEN: ("clara",)}
# Adapters of CHANGING that are loaded and unloaded all the time.
COMING_AND_GOING = ("coming", "going")
_FIRST_TOKEN_SECONDS = "10"


@dataclass(slots=True)
class World:
    """What runs. `troubled` are the Workspaces and adapters that a fault concerns just now."""

    folder: Path
    model: Path
    gateway: Gateway
    servers: dict[str, ModelServer]
    answers: Answers
    troubled: set[str] = field(default_factory=set)

    @property
    def services(self) -> tuple[Service, ...]:
        """The processes whose memory counts. BROKEN's starts over each time it is killed."""
        steady = (self.servers[workspace].service for workspace in (CHANGING, STEADY))
        return (self.gateway.service, *steady)

    def start(self, workspace: str) -> None:
        """Start the Workspace's model-server again, at its address."""
        address = self.servers[workspace].address
        self.servers[workspace] = _start(
            workspace, self.folder, self.model, int(address.split(":")[1])
        )


@asynccontextmanager
async def running_world(folder: Path, model: Path) -> AsyncIterator[World]:
    """All processes, ready to answer, over the model in a folder; logs go to `folder`."""
    for workspace, names in _ADAPTERS.items():
        await asyncio.to_thread(make_adapters, model, _adapters(folder, workspace), names)
    servers = {workspace: _start(workspace, folder, model) for workspace in _ADAPTERS}
    world = None
    try:
        for server in servers.values():
            await server.service.until_logged("serving")
        addresses = {workspace: server.address for workspace, server in servers.items()}
        models = {workspace: ("", *names) for workspace, names in _ADAPTERS.items()}
        answers = await ask_all(addresses, models)
        gateway = start_front_door(
            "front-door",
            folder,
            backends=addresses,
            model=MODEL,
            KAITO_FIRST_TOKEN_TIMEOUT_SECONDS=_FIRST_TOKEN_SECONDS,
        )
        world = World(folder, model, gateway, servers, answers)
        await gateway.service.until_logged("Uvicorn running")
        yield world
    finally:
        if world:
            world.gateway.service.stop()
        for server in servers.values():
            server.service.stop()


def _start(workspace: str, folder: Path, model: Path, port: int | None = None) -> ModelServer:
    return start_model_server(
        workspace.replace("/", "-"),
        folder,
        model=model,
        adapters=_adapters(folder, workspace),
        port=port,
        default_adapter=_ADAPTERS[workspace][0],
    )


def _adapters(folder: Path, workspace: str) -> Path:
    return folder / "adapters" / workspace
