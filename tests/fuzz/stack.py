"""What a run of the fuzzers needs: a model-server, two gateways and a tuner, as processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.canary import ADAPTER
from tests.processes.gateway import Gateway, start_front_door, start_sidecar
from tests.processes.model_files import make_adapters
from tests.processes.model_server import MODEL, ModelServer, start_model_server
from tests.processes.service import Service
from tests.processes.tuner import Tuner, start_tuner

WORKSPACES = ("team-a/one", "team-b/two")
_ADAPTERS = ("pirate", "poet", ADAPTER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The processes; the front door serves the same model-server as two Workspaces."""

    model_server: ModelServer
    sidecar: Gateway
    front_door: Gateway
    tuner: Tuner

    @property
    def models(self) -> dict[str, tuple[str, ...]]:
        """What each gateway serves, by its URL."""
        return {self.sidecar.url: (MODEL, "pirate", "poet"), self.front_door.url: WORKSPACES}

    @property
    def services(self) -> tuple[Service, ...]:
        gateways = self.sidecar.service, self.front_door.service
        return (self.model_server.service, *gateways, self.tuner.service)


@asynccontextmanager
async def running_stack(folder: Path, model: Path) -> AsyncIterator[Stack]:
    """All processes, ready to answer, over the model in a folder. Logs go to `folder`."""
    adapters = await asyncio.to_thread(make_adapters, model, folder / "adapters", _ADAPTERS)
    server = start_model_server("model-server", folder, model=model, adapters=adapters)
    tuner = start_tuner("tuner", folder)
    started: list[Service] = [server.service, tuner.service]
    try:
        await server.service.until_logged("serving")
        await tuner.service.until_logged("listening")
        sidecar = start_sidecar("sidecar", folder, backend=server.address)
        started.append(sidecar.service)
        backends = dict.fromkeys(WORKSPACES, server.address)
        front_door = start_front_door("front-door", folder, backends=backends, model=MODEL)
        started.append(front_door.service)
        for gateway in (sidecar, front_door):
            await gateway.service.until_logged("Uvicorn running")
        yield Stack(model_server=server, sidecar=sidecar, front_door=front_door, tuner=tuner)
    finally:
        for service in started:
            service.stop()
