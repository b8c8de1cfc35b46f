"""A model per session, and a running server over each engine per test."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel
from kaito_process.cpu import has_bfloat16
from model_server.adapters.registry import AdapterSettings
from model_server.calls.admission import AdmissionControl, ServerPhase
from model_server.contract.server import AdministrationConfig, Server, ServerConfig
from model_server.contract.serving_state import ServingState
from model_server.engine import Engine, SchedulerStats
from model_server.fake import FakeEngine
from model_server.metrics import Metrics
from model_server.openai_server.engine import OpenAIServerEngine
from model_server.pulled_adapters.reconciler import PulledAdapters
from model_server.text_generation_server.engine import TextGenerationServerEngine
from model_server.transformers.engine import TransformersEngine
from model_server.transformers.model_loader import LoadOptions
from model_server.vllm.engine import VllmEngine
from tests.model_server.openai_server.double import OpenAIDouble
from tests.model_server.text_generation_server.double import TextGenerationServerDouble
from tests.model_server.tiny_model import make_adapter, make_model
from tests.model_server.vllm.double import VllmDouble, make_byte_model
from tests.waiting import until


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A server that runs already has its own.
    if folder := os.environ.get("KAITO_TEST_VLLM_MODEL"):
        return Path(folder)
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def adapters_folder(tmp_path: Path) -> Path:
    make_adapter(tmp_path / "pirate", seed=1)
    make_adapter(tmp_path / "poet", seed=2)
    return tmp_path


# The address of a running vLLM that serves `real.MODEL_NAME`: the same tests then run on it alone.
REAL_VLLM = os.environ.get("KAITO_TEST_VLLM_URL", "")
# vLLM's CPU kernels add the adapter of the last slot to requests without one in the same batch
# (vllm-project/vllm#48421, open). Its GPU kernels do not.
MIXES_UP_BASE = bool(REAL_VLLM)


ENGINES = "fake transformers openai vllm text-generation-server".split()
# Those that a test may load: a text-generation-server is started with its adapters.
_ADAPTERS = "pirate poet late later bad torn".split()


@pytest.fixture(params=["vllm"] if REAL_VLLM else ENGINES)
async def engine(
    request: pytest.FixtureRequest, model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Engine]:
    copies = tmp_path_factory.mktemp("copies")
    if request.param == "fake":
        yield FakeEngine()
    elif request.param == "transformers":
        yield transformers_engine(model_folder)
    elif request.param == "openai":
        async with OpenAIDouble().running() as double:
            yield OpenAIServerEngine(double.url, max_context_tokens=None)
    elif request.param == "text-generation-server":
        byte_model = make_byte_model(tmp_path_factory.mktemp("bytes"))
        async with TextGenerationServerDouble(adapters=_ADAPTERS).running() as tgi:
            yield TextGenerationServerEngine(tgi.url, model_path=byte_model)
    elif REAL_VLLM:
        yield VllmEngine(REAL_VLLM, model_path=model_folder, adapters_dir=copies)
    else:
        byte_model = make_byte_model(tmp_path_factory.mktemp("bytes"))
        async with VllmDouble().running() as vllm:
            yield VllmEngine(vllm.url, model_path=byte_model, adapters_dir=copies)


def transformers_engine(folder: Path, *, context_tokens: int | None = None) -> TransformersEngine:
    """An engine over the tiny model, with a cache for a few conversations."""
    options = LoadOptions(
        path=folder,
        dtype="auto",
        cpu_bfloat16=has_bfloat16({}),
        max_context_tokens=context_tokens,
        trust_remote_code=False,
    )
    return TransformersEngine(options, threads=1, kv_cache_budget_bytes=lambda: 64 * 2**20)


TOKEN = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Administration:
    """AdapterAdministrationService, with the metadata that a test sends."""

    channel: grpc.aio.Channel
    metadata: tuple[tuple[str, str], ...] = (("authorization", f"Bearer {TOKEN}"),)

    async def load(self, request: pb.LoadAdapterRequest) -> pb.LoadAdapterResponse:
        stub = inference_pb2_grpc.AdapterAdministrationServiceStub(self.channel)
        response: pb.LoadAdapterResponse = await stub.LoadAdapter(request, metadata=self.metadata)
        return response

    async def set_pulled(self, *adapters: pb.WantedAdapter, revision: str = "") -> None:
        stub = inference_pb2_grpc.AdapterAdministrationServiceStub(self.channel)
        request = pb.SetPulledAdaptersRequest(adapters=adapters, revision=revision)
        await stub.SetPulledAdapters(request, metadata=self.metadata)

    async def pulled(self) -> pb.ListPulledAdaptersResponse:
        stub = inference_pb2_grpc.AdapterAdministrationServiceStub(self.channel)
        response: pb.ListPulledAdaptersResponse = await stub.ListPulledAdapters(
            pb.ListPulledAdaptersRequest(), metadata=self.metadata
        )
        return response

    async def unload(self, name: str) -> None:
        stub = inference_pb2_grpc.AdapterAdministrationServiceStub(self.channel)
        await stub.UnloadAdapter(pb.UnloadAdapterRequest(name=name), metadata=self.metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that a test talks to."""

    port: int
    stub: inference_pb2_grpc.InferenceServiceStub
    administration: "Administration"
    channel: grpc.aio.Channel
    state: ServingState
    stop: asyncio.Event
    done: "asyncio.Task[None]"

    @property
    def engine(self) -> Engine:
        assert self.state.served
        return self.state.served.engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What differs from test to test."""

    adapters: Path
    default: str | None = None
    strengths: Mapping[str, float] = field(default_factory=dict)
    max_choices: int = 64
    drain_seconds: float = 10.0
    measure_seconds: float = 0.0
    wait_until_serving: bool = True
    create_pulled: Callable[[], PulledAdapters] | None = None
    first_list_seconds: float = 0.0


@asynccontextmanager
async def running(engine: Engine, setup: Setup) -> AsyncIterator[Running]:
    """A server on a free port, serving unless `setup.wait_until_serving` is off."""

    def scheduler_stats() -> SchedulerStats:
        return engine.scheduler_stats()

    state = ServingState(
        name="tiny",
        admission=AdmissionControl(setup.max_choices),
        metrics=Metrics(scheduler_stats),
    )
    adapters = AdapterSettings(
        root=setup.adapters, base_model="tiny", default_adapter=setup.default, max_adapters=3
    )
    config = ServerConfig(
        port=0,
        administration=AdministrationConfig(
            port=0, token_sha256=hashlib.sha256(TOKEN.encode()).hexdigest()
        ),
        create_engine=lambda: engine,
        adapters=adapters,
        strengths=setup.strengths,
        drain_seconds=setup.drain_seconds,
        measure_seconds=setup.measure_seconds,
        create_pulled=setup.create_pulled,
        first_list_seconds=setup.first_list_seconds,
    )
    server, stop = Server(state, config), asyncio.Event()
    done = asyncio.create_task(server.run(stop))
    async with (
        open_channel(f"localhost:{server.port}") as channel,
        open_channel(f"localhost:{server.administration_port}") as administration,
    ):
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        if setup.wait_until_serving:
            await until(lambda: state.admission.phase is ServerPhase.SERVING or done.done())
        yield Running(
            port=server.port,
            stub=stub,
            administration=Administration(administration),
            channel=channel,
            state=state,
            stop=stop,
            done=done,
        )
        stop.set()
        await asyncio.wait([done])


@pytest.fixture
async def server(engine: Engine, adapters_folder: Path) -> AsyncIterator[Running]:
    async with running(engine, Setup(adapters=adapters_folder)) as started:
        yield started


def generate_request(
    prompt: str = "The ship sails", model: str = "", **options: Any
) -> pb.GenerateRequest:
    """A request with these options; by default for 24 greedy tokens."""
    values: dict[str, Any] = {"max_new_tokens": 24, "do_sample": False, **options}
    return pb.GenerateRequest(
        model=model,
        prompt=prompt,
        options=pb.GenerationOptions(**values),
    )


async def stream(server: Running, request: pb.GenerateRequest) -> list[pb.StreamGenerateResponse]:
    """All messages of a streamed answer."""
    call = server.stub.StreamGenerate(pb.StreamGenerateRequest(request=request))
    return [message async for message in call]


async def requires(server: Running, *features: str) -> None:
    """Skip the test if the engine rejects one of these fields (test_features.py: by its name)."""
    model = (await server.stub.GetModel(pb.GetModelRequest())).model
    for feature in features:
        if feature not in model.features:
            pytest.skip(f"{model.engine} does not answer {feature}")


def applies_strengths(server: Running) -> bool:
    """A server of any make applies an adapter as a whole, and so does a text-generation-server."""
    return type(server.engine) not in (OpenAIServerEngine, TextGenerationServerEngine)


def is_text_generation_server(server: Running) -> bool:
    """It has neither a minimum of new tokens nor the texts of tokens."""
    return isinstance(server.engine, TextGenerationServerEngine)


def requires_minimum(server: Running) -> None:
    """Skip the test where an answer cannot be made long; the engine's own tests hold it open."""
    if is_text_generation_server(server):
        pytest.skip("a text-generation-server has no min_new_tokens")
