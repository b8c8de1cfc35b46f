"""A model once per session; a running server, over each engine, for each test that asks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_process.cpu import has_bfloat16
from model_server.adapters import Rules
from model_server.engine import Engine, Occupancy
from model_server.fake import FakeEngine
from model_server.metrics import Metrics
from model_server.server import Plan, Server
from model_server.service import Serving
from model_server.traffic import State, Traffic
from model_server.transformers.engine import TransformersEngine
from model_server.transformers.load import LoadOptions
from tests.model_server.tiny_model import make_adapter, make_model


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def adapters_folder(tmp_path: Path) -> Path:
    make_adapter(tmp_path / "pirate", seed=1)
    make_adapter(tmp_path / "poet", seed=2)
    return tmp_path


@pytest.fixture(params=["fake", "transformers"])
async def engine(request: pytest.FixtureRequest, model_folder: Path) -> Engine:
    if request.param == "fake":
        return FakeEngine()
    return transformers_engine(model_folder)


def transformers_engine(folder: Path, *, context: int | None = None) -> TransformersEngine:
    """An engine over the tiny model, with a cache for a few conversations."""
    options = LoadOptions(
        path=folder,
        dtype="auto",
        cpu_bfloat16=has_bfloat16({}),
        context=context,
        trust_remote_code=False,
    )
    return TransformersEngine(options, threads=1, cache_budget=lambda: 64 * 2**20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that a test talks to."""

    stub: inference_pb2_grpc.InferenceServiceStub
    channel: grpc.aio.Channel
    serving: Serving
    stop: asyncio.Event
    done: "asyncio.Task[None]"

    @property
    def engine(self) -> Engine:
        assert self.serving.loaded
        return self.serving.loaded.engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What differs from test to test."""

    adapters: Path
    default: str | None = None
    most_requests: int = 64
    drain_seconds: float = 10.0
    wait: bool = True


Start = Callable[[Engine, Setup], Awaitable[Running]]


@asynccontextmanager
async def running(engine: Engine, setup: Setup) -> AsyncIterator[Running]:
    """A server on a free port, ready unless `setup.wait` is off."""

    def occupancy() -> Occupancy:
        return engine.occupancy()

    serving = Serving(name="tiny", traffic=Traffic(setup.most_requests), metrics=Metrics(occupancy))
    rules = Rules(root=setup.adapters, base_model="tiny", default=setup.default, most=3)
    plan = Plan(
        port=0,
        make_engine=lambda: engine,
        adapters=rules,
        strengths={},
        drain_seconds=setup.drain_seconds,
    )
    server, stop = Server(serving, plan), asyncio.Event()
    done = asyncio.create_task(server.run(stop))
    async with grpc.aio.insecure_channel(f"localhost:{server.port}") as channel:
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        if setup.wait:
            await until(lambda: serving.traffic.state is State.SERVING or done.done())
        yield Running(stub=stub, channel=channel, serving=serving, stop=stop, done=done)
        stop.set()
        await asyncio.wait([done])


@pytest.fixture
async def server(engine: Engine, adapters_folder: Path) -> AsyncIterator[Running]:
    async with running(engine, Setup(adapters=adapters_folder)) as found:
        yield found


async def until(condition: Callable[[], bool], *, seconds: float = 30.0) -> None:
    """Wait for something that another task or thread does."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def asking(prompt: str = "The ship sails", model: str = "", **options: Any) -> pb.GenerateRequest:
    """A request with these options, for 24 greedy tokens unless they say otherwise."""
    given: dict[str, Any] = {"max_new_tokens": 24, "do_sample": False, **options}
    return pb.GenerateRequest(
        model=model,
        prompt=prompt,
        options=pb.GenerationOptions(**given),
    )


async def streamed(found: Running, request: pb.GenerateRequest) -> list[pb.StreamGenerateResponse]:
    """All messages of a streamed answer."""
    call = found.stub.StreamGenerate(pb.StreamGenerateRequest(request=request))
    return [message async for message in call]
