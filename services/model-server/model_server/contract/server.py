"""The gRPC server's lifecycle: listen at once, serve once the model is loaded, drain to stop."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kaito.inference.v1 import inference_pb2, inference_pb2_grpc
from kaito_grpc.servers import create_server
from kaito_process.undelivered import wait_until_delivered
from model_server.adapters.registry import AdapterRegistry, AdapterSettings
from model_server.calls.admission import ServerPhase
from model_server.contract.administration import AdapterAdministrationService
from model_server.contract.service import InferenceService
from model_server.contract.serving_state import ServedModel, ServingState
from model_server.engine import Engine
from model_server.errors import EngineFailed
from model_server.pulled_adapters.reconciler import PulledAdapters
from model_server.startup.speed import measure_speed
from model_server.startup.start_report import PhaseTimer, StartPhase, StartReport, memory_of

logger = logging.getLogger(__name__)
SERVICE: str = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name
# After the drain only calls are left that exceeded it; they get a moment to send their status.
_STOP_GRACE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministrationConfig:
    """The port of the administration, and the digest of the token that its calls need."""

    port: int
    token_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """The ports, the engine and its adapters, and how long a drain may take.

    Adapters cannot be administered without `administration`. `measure_seconds` is what measuring
    the model's speed may take before it serves; 0 leaves it out.
    `create_engine` is called in a thread, because an engine's imports alone take seconds.
    `create_pulled` is None where no adapters are pulled; `first_list_seconds` is how long the first
    list of those may take to come after the model is loaded.
    """

    port: int
    administration: AdministrationConfig | None = None
    create_engine: Callable[[], Engine]
    adapters: AdapterSettings
    strengths: Mapping[str, float]
    drain_seconds: float
    measure_seconds: float = 0.0
    create_pulled: Callable[[], PulledAdapters] | None = None
    first_list_seconds: float = 0.0


class Server:
    """One server. `port` is the one it listens on, even if the configured port is 0.

    `administration_port` is 0 where adapters cannot be administered.
    """

    def __init__(self, state: ServingState, config: ServerConfig) -> None:
        self._state = state
        self._config = config
        self._engine: Engine | None = None
        self._pulled = config.create_pulled() if config.create_pulled else None
        self._pulling: asyncio.Task[None] | None = None
        self._adapters: AdapterRegistry | None = None
        self._health = health.aio.HealthServicer()
        self._server = create_server()
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(
            InferenceService(state), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self.port = self._server.add_insecure_port(f"[::]:{config.port}")
        self._administration = create_server()
        self.administration_port = 0
        if administration := config.administration:
            service = AdapterAdministrationService(state, administration.token_sha256, self._pulled)
            inference_pb2_grpc.add_AdapterAdministrationServiceServicer_to_server(
                service, self._administration
            )
            self.administration_port = self._administration.add_insecure_port(
                f"[::]:{administration.port}"
            )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set.

        Raises:
            ModelLoadFailed: the model does not load.
            AdapterInvalid: the default adapter does not load.
            EngineFailed: the engine broke.
        """
        await self._update_health()
        await self._server.start()
        await self._administration.start()
        logger.info(
            "listening",
            extra={"port": self.port, "administration_port": self.administration_port},
        )
        stopping = asyncio.create_task(stop.wait())
        serving = asyncio.create_task(self._serve())
        try:
            await asyncio.wait((stopping, serving), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                await serving
        finally:
            stopping.cancel()
            await self._shut_down()
            serving.cancel()

    async def _load(self) -> None:
        timer = PhaseTimer()
        with timer.phase(StartPhase.LOAD):
            self._engine = engine = await asyncio.to_thread(self._config.create_engine)
            model = await engine.start()
        speed = None
        if seconds := self._config.measure_seconds:
            with timer.phase(StartPhase.WARM_UP):
                speed = await measure_speed(
                    engine,
                    model,
                    seconds=seconds,
                    max_answers=self._state.admission.max_choices,
                )
        adapters = AdapterRegistry(engine, self._config.adapters, model.model_id)
        self._adapters = adapters
        with timer.phase(StartPhase.ADAPTERS):
            await adapters.load_all(self._config.strengths)
            if self._pulled:
                self._pulling = asyncio.create_task(self._pulled.run(adapters))
                await self._pulled.wait_until_settled(self._config.first_list_seconds)
        start = StartReport(seconds=timer.seconds, speed=speed, memory=memory_of(engine))
        self._state.served = ServedModel(
            engine=engine,
            adapters=adapters,
            model=model,
            loaded_unix_seconds=int(time.time()),
            start=start,
        )
        self._state.metrics.record_start(start)
        self._state.admission.phase = ServerPhase.SERVING
        await self._update_health()
        logger.info(
            "serving",
            extra={
                "model": self._state.name,
                "context": model.max_length,
                "device": model.device,
                "adapters": [adapter.source.name for adapter in adapters.loaded()],
                "rejected_adapters": [adapter.name for adapter in adapters.rejected()],
                "seconds": {phase: round(took, 2) for phase, took in start.seconds.items()},
                **({"tokens_per_second": round(speed.tokens_per_second, 1)} if speed else {}),
            },
        )

    async def _serve(self) -> None:
        await self._load()
        if self._engine:
            raise EngineFailed(await self._engine.failure())

    async def _shut_down(self) -> None:
        """Reject new calls, finish the running ones, then free everything."""
        deadline = time.monotonic() + self._config.drain_seconds
        admission = self._state.admission
        admission.phase = ServerPhase.DRAINING
        await self._update_health()
        if not await admission.wait_until_idle(self._config.drain_seconds):
            logger.warning(
                "requests still running after the drain are cut off; raise KAITO_DRAIN_SECONDS",
                extra={"after_seconds": self._config.drain_seconds},
            )
        # Before the connections are closed: closing one that has unread input drops what it sent.
        await wait_until_delivered(self.port, deadline - time.monotonic())
        await self._administration.stop(grace=None)
        await self._server.stop(grace=_STOP_GRACE_SECONDS)
        if self._pulling:
            self._pulling.cancel()
            await asyncio.wait([self._pulling])
        if self._adapters:
            await self._adapters.close()
        if self._engine:
            await self._engine.stop()
        logger.info("stopped")

    async def _update_health(self) -> None:
        """The process is healthy until it drains; the service only while it serves."""
        response = health_pb2.HealthCheckResponse
        phase = self._state.admission.phase
        for name, healthy in (
            ("", phase is not ServerPhase.DRAINING),
            (SERVICE, phase is ServerPhase.SERVING),
        ):
            await self._health.set(name, response.SERVING if healthy else response.NOT_SERVING)
