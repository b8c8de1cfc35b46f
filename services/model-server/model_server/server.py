"""The gRPC server's life: listen at once, serve when the model is loaded, drain to end."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kaito.inference.v1 import inference_pb2, inference_pb2_grpc
from model_server.adapters import Adapters, Rules
from model_server.engine import Engine
from model_server.errors import EngineFailed
from model_server.service import InferenceService, Loaded, Serving
from model_server.traffic import State

logger = logging.getLogger(__name__)
SERVICE: str = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name
# Prompts are text: 16 MiB hold more than any context.
_MAX_MESSAGE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where to listen, how to get an engine and its adapters, and how long the end may take.

    `make_engine` is called in a thread, since an engine's imports alone take seconds.
    """

    port: int
    make_engine: Callable[[], Engine]
    adapters: Rules
    strengths: Mapping[str, float]
    drain_seconds: float


class Server:
    """One server; `port` is the one in use, also where 0 asked for any."""

    def __init__(self, serving: Serving, plan: Plan) -> None:
        self._serving = serving
        self._plan = plan
        self._engine: Engine | None = None
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
                # A gateway's idle connection may be kept alive by pings.
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ]
        )
        inference_pb2_grpc.add_InferenceServiceServicer_to_server(
            InferenceService(serving), self._server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        self.port = self._server.add_insecure_port(f"[::]:{plan.port}")

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set. Raises ModelLoadFailed, AdapterInvalid or EngineFailed."""
        await self._set_health()
        await self._server.start()
        logger.info("listening", extra={"port": self.port})
        stopping = asyncio.create_task(stop.wait())
        serving = asyncio.create_task(self._serve())
        try:
            await asyncio.wait((stopping, serving), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                await serving
        finally:
            stopping.cancel()
            await self._end()
            serving.cancel()

    async def _load(self) -> None:
        began = time.monotonic()
        self._engine = engine = await asyncio.to_thread(self._plan.make_engine)
        model = await engine.start()
        adapters = Adapters(engine, self._plan.adapters)
        await adapters.load_all(self._plan.strengths)
        loaded = Loaded(engine=engine, adapters=adapters, model=model, at=int(time.time()))
        self._serving.loaded = loaded
        self._serving.traffic.state = State.SERVING
        await self._set_health()
        logger.info(
            "serving",
            extra={
                "model": self._serving.name,
                "context": model.max_length,
                "device": model.device,
                "adapters": [adapter.source.name for adapter in adapters.all()],
                "load_seconds": round(time.monotonic() - began, 2),
            },
        )

    async def _serve(self) -> None:
        await self._load()
        if self._engine:
            raise EngineFailed(await self._engine.failure())

    async def _end(self) -> None:
        """Answer no new calls, finish those that run, then let go of everything."""
        traffic = self._serving.traffic
        traffic.state = State.DRAINING
        await self._set_health()
        if not await traffic.empty(self._plan.drain_seconds):
            logger.warning(
                "requests were cut off", extra={"after_seconds": self._plan.drain_seconds}
            )
        await self._server.stop(grace=0.5)
        if self._engine:
            await self._engine.stop()
        logger.info("stopped")

    async def _set_health(self) -> None:
        """The process is well until it drains; the service only between loading and draining."""
        answers = health_pb2.HealthCheckResponse
        state = self._serving.traffic.state
        for name, well in (
            ("", state is not State.DRAINING),
            (SERVICE, state is State.SERVING),
        ):
            await self._health.set(name, answers.SERVING if well else answers.NOT_SERVING)
