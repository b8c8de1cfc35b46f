"""What goes wrong during a soak, over and over: one server dies and hangs, adapters come and go."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel
from tests.processes.model_server import TOKEN
from tests.soak.outcomes import Outcomes
from tests.soak.world import BROKEN, CHANGING, COMING_AND_GOING, World

_METADATA = (("authorization", f"Bearer {TOKEN}"),)
_CALM_SECONDS = 4.0
# Longer than the front door waits for a first token.
_HANG_SECONDS = 12.0
# A front door asks a server that failed again after at most 15 seconds, and probes it before.
_RECOVERY_SECONDS = 20.0
_CHANGE_SECONDS = 1.0
_UNLOAD_SECONDS = 60


async def break_and_mend(world: World, outcomes: Outcomes, goes_on: Callable[[], bool]) -> None:
    """Kill the server and start it again, then let it hang for a while, and so on."""
    while goes_on():
        for fault in (_kill, _hang):
            await asyncio.sleep(_CALM_SECONDS)
            with _troubled(world, BROKEN):
                outcomes.faults[await fault(world)] += 1
                if goes_on():
                    await asyncio.sleep(_RECOVERY_SECONDS)


async def _kill(world: World) -> str:
    world.servers[BROKEN].service.kill()
    await asyncio.sleep(1)
    world.start(BROKEN)
    await world.servers[BROKEN].service.until_logged("serving")
    return "killed and came back"


async def _hang(world: World) -> str:
    world.servers[BROKEN].service.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(_HANG_SECONDS)
    finally:
        world.servers[BROKEN].service.send_signal(signal.SIGCONT)
    return "hung"


async def change_adapters(world: World, outcomes: Outcomes, goes_on: Callable[[], bool]) -> None:
    """Unload and load adapters through the administration."""
    async with open_channel(world.servers[CHANGING].administration) as channel:
        stub = inference_pb2_grpc.AdapterAdministrationServiceStub(channel)
        while goes_on():
            for name in COMING_AND_GOING:
                await asyncio.sleep(_CHANGE_SECONDS)
                unload = pb.UnloadAdapterRequest(name=name)
                await stub.UnloadAdapter(unload, metadata=_METADATA, timeout=_UNLOAD_SECONDS)
                await asyncio.sleep(_CHANGE_SECONDS)
                load = pb.LoadAdapterRequest(name=name)
                await stub.LoadAdapter(load, metadata=_METADATA, timeout=_UNLOAD_SECONDS)
                outcomes.faults["adapters that went and came"] += 1


@contextmanager
def _troubled(world: World, workspace: str) -> Iterator[None]:
    world.troubled.add(workspace)
    try:
        yield
    finally:
        world.troubled.discard(workspace)


def is_expected(world: World, workspace: str, model: str, was_troubled: bool) -> bool:
    """Whether a request to this model may end with an error."""
    if workspace == CHANGING:
        return model in COMING_AND_GOING
    return was_troubled or workspace in world.troubled
