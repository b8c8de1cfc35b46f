"""The composition root: settings, logs, connections, application, server."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from types import FrameType

import uvloop

from inference_gateway.admission import AdmissionControl
from inference_gateway.application import Application
from inference_gateway.backends.backend import Backend
from inference_gateway.backends.grpc_backend import GrpcBackend
from inference_gateway.demand.recorder import DemandRecorder
from inference_gateway.demand.reporter import DemandReporter
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.backends_file import BackendsFile, apply_if_changed, follow
from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.formats.feature_extraction import FeatureExtraction
from inference_gateway.formats.kaito_chat import KaitoChat
from inference_gateway.formats.openai_chat import OpenAiChat
from inference_gateway.formats.openai_completions import OpenAiCompletions
from inference_gateway.formats.openai_embeddings import OpenAiEmbeddings
from inference_gateway.formats.responses.request import OpenAiResponses
from inference_gateway.formats.tgi import TextGenerationInference
from inference_gateway.formats.tokens import Detokenize, Tokenize
from inference_gateway.garbage_collection import make_full_collections_rare
from inference_gateway.generation_handler import GenerationHandler
from inference_gateway.keys.composition import Keys, create_keys
from inference_gateway.metrics import Metrics
from inference_gateway.model_view import see_every_model
from inference_gateway.relaying.relayed_request import ENGINE_PATHS, EngineFormat
from inference_gateway.routes import create_routes
from inference_gateway.server import create_server
from inference_gateway.settings import Settings
from kaito_process import logs
from kaito_process.environment import SettingError

_BACKENDS_FILE_INTERVAL_SECONDS = 2.0
# A probe makes two calls of up to 2 seconds, one after the other.
_FIRST_PROBES_TIMEOUT_SECONDS = 5.0


def create_application(
    settings: Settings, connect: Callable[[EndpointAddress], Backend]
) -> Application:
    """The application. Its lifespan opens and closes the connections; nothing starts here."""
    limits = settings.limits
    metrics, demand = Metrics(), DemandRecorder(time.monotonic)
    pool = EndpointPool(
        connect=connect,
        clock=time.monotonic,
        readiness=metrics,
        max_in_flight=limits.max_backend_concurrency,
        hold_seconds=limits.hold_seconds,
        drain_seconds=limits.shutdown_timeout_seconds,
        sidecar=settings.backends_file is None,
    )
    admission = AdmissionControl(
        max_requests=limits.max_concurrency,
        max_held_bytes=limits.max_held_bytes,
        is_shared=settings.backends_file is not None,
    )
    handler = GenerationHandler(
        router=pool,
        upstream_errors=metrics,
        admission=admission,
        demand=demand,
        limits=limits,
        now=time.time,
    )
    keys = create_keys(settings.keys, handler, pool, metrics) if settings.keys else None
    return Application(
        formats={
            "/chat": KaitoChat(),
            "/v1/chat/completions": OpenAiChat(),
            "/v1/completions": OpenAiCompletions(),
            "/v1/embeddings": OpenAiEmbeddings(),
            "/v1/responses": OpenAiResponses(),
            "/embed": FeatureExtraction(),
            "/pipeline/feature-extraction": FeatureExtraction(),
            "/generate": TextGenerationInference("whole"),
            "/generate_stream": TextGenerationInference("stream"),
            "/tokenize": Tokenize(),
            "/detokenize": Detokenize(),
            "/": TextGenerationInference("either"),
            **{path: EngineFormat(path) for path in ENGINE_PATHS},
        },
        handler=keys.handler if keys else handler,
        routes=create_routes(
            pool, metrics.registry, keys.door.view_of if keys else see_every_model
        ),
        metrics=metrics,
        clock=time.monotonic,
        lifespan=lambda: _lifespan(settings, pool, demand, admission, keys),
    )


@asynccontextmanager
async def _lifespan(
    settings: Settings,
    pool: EndpointPool,
    demand: DemandRecorder,
    admission: AdmissionControl,
    keys: Keys | None,
) -> AsyncIterator[None]:
    """Keeps the pool's addresses and the keys current while the server runs, then closes both."""
    async with (
        _following(settings, pool),
        _reporting(settings, demand),
        _picking(settings, pool, demand, admission),
        keys.running() if keys else nullcontext(),
    ):
        yield


@asynccontextmanager
async def _following(settings: Settings, pool: EndpointPool) -> AsyncIterator[None]:
    following: asyncio.Task[None] | None = None
    if settings.backends_file is None:
        pool.set_addresses([_sidecar_address(settings)])
    else:
        file = BackendsFile(settings.backends_file)
        await apply_if_changed(file, pool.set_addresses)
        # No request is accepted before: an adapter's name is known to be unique or ambiguous only
        # once all model-servers have listed theirs.
        await pool.wait_for_first_probes(_FIRST_PROBES_TIMEOUT_SECONDS)
        following = asyncio.create_task(
            follow(file, pool.set_addresses, _BACKENDS_FILE_INTERVAL_SECONDS)
        )
    try:
        yield
    finally:
        if following is not None:
            await _cancel(following)
        await pool.close()


@asynccontextmanager
async def _reporting(settings: Settings, demand: DemandRecorder) -> AsyncIterator[None]:
    """Reports the demand while the server runs, and once more when it has answered everything."""
    if not settings.demand_address:
        yield
        return
    reporter = DemandReporter(settings.demand_address, demand, demand.clock)
    reporting = asyncio.create_task(reporter.run())
    try:
        yield
    finally:
        await _cancel(reporting)
        await reporter.close()


@asynccontextmanager
async def _picking(
    settings: Settings, pool: EndpointPool, demand: DemandRecorder, admission: AdmissionControl
) -> AsyncIterator[None]:
    """Serves the endpoint picker while the server runs."""
    if not settings.picker_port:
        yield
        return
    # Imported only here: its messages take 2 MB that a gateway without it saves.
    from inference_gateway.picker.picking import Picker
    from inference_gateway.picker.service import PickerService, serving

    limits = settings.limits
    service = PickerService(
        picker=Picker(
            pool=pool, port=settings.picker_target_port, hold_seconds=limits.hold_seconds
        ),
        admission=admission,
        demand=demand,
        limits=limits,
    )
    address = f"{settings.host}:{settings.picker_port}"
    async with serving(service, address, limits.shutdown_timeout_seconds):
        yield


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _sidecar_address(settings: Settings) -> EndpointAddress:
    return EndpointAddress(
        namespace=settings.namespace,
        workspace=settings.workspace,
        # The first probe reports the model.
        model="",
        target=settings.backend,
    )


def main() -> int:
    """The exit code: 0 after a drain, 2 when the settings are wrong."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure(settings.log_level, "inference-gateway")
    # uvicorn raises the signal again once it has drained; the process then exits with code 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    application = create_application(
        settings, lambda address: GrpcBackend(address.target, settings.connections_per_backend)
    )
    make_full_collections_rare()
    fields = {"workspace": settings.workspace, "namespace": settings.namespace}
    with (
        logs.log_context(**{name: value for name, value in fields.items() if value}),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(create_server(application, settings).serve())
    return 0


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
