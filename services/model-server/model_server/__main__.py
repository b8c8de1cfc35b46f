"""The composition root: settings, engine, metrics, server. Run as `python -m model_server`."""

import asyncio
import json
import logging
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

import uvloop
from prometheus_client import start_http_server

from kaito_process import logs
from kaito_process.environment import SettingError
from model_server.adapters import Rules
from model_server.engine import Engine, Occupancy
from model_server.errors import EngineFailed, InferenceError, ModelLoadFailed
from model_server.host import cache_budget
from model_server.metrics import Metrics
from model_server.server import Plan, Server
from model_server.service import Serving
from model_server.settings import Settings
from model_server.traffic import Traffic

logger = logging.getLogger(__name__)


def make_engine(settings: Settings) -> Engine:
    """The engine that the settings name. Imports what it needs, which takes seconds.

    "auto" and "transformers" are the same as long as there is no other.
    """
    if settings.nodes > 1:
        raise ModelLoadFailed(
            f"KAITO_NODES = {settings.nodes}: this engine serves from one node; use an instance "
            "type that holds the whole model"
        )
    from model_server.transformers.engine import TransformersEngine
    from model_server.transformers.load import LoadOptions

    given = settings.kv_cache_bytes
    options = LoadOptions(
        path=settings.model_path,
        dtype=settings.dtype,
        cpu_bfloat16=settings.cpu_bfloat16,
        context=settings.max_model_len,
        trust_remote_code=settings.trust_remote_code,
    )
    return TransformersEngine(
        options,
        threads=settings.cpu_threads,
        cache_budget=(lambda: given) if given else cache_budget,
    )


def make_plan(settings: Settings) -> Plan:
    """What the server needs to know of the settings."""
    return Plan(
        port=settings.grpc_port,
        make_engine=partial(make_engine, settings),
        adapters=Rules(
            root=settings.adapters_dir,
            base_model=settings.model_name,
            default=settings.default_adapter,
            most=settings.max_adapters,
        ),
        strengths=settings.adapter_strengths,
        drain_seconds=settings.drain_seconds,
    )


async def serve(settings: Settings) -> None:
    """Build everything and run until SIGTERM or SIGINT."""
    serving: Serving

    def occupancy() -> Occupancy:
        if serving.loaded is None:
            return Occupancy(running=0, waiting=0, kv_used=0.0)
        return serving.loaded.engine.occupancy()

    serving = Serving(
        name=settings.model_name,
        traffic=Traffic(settings.max_requests),
        metrics=Metrics(occupancy),
    )
    metrics_server, _ = start_http_server(settings.metrics_port, registry=serving.metrics.registry)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await Server(serving, make_plan(settings)).run(stop)
    finally:
        metrics_server.shutdown()


def report(log: Path, error: InferenceError) -> None:
    """Leave the cause where the kubelet reads it, under a reason of the Workspace's status."""
    retryable = isinstance(error, EngineFailed)
    reason = "ContainerCrashed" if retryable else "ModelLoadFailed"
    if "out of memory" in error.message or "does not fit" in error.message:
        reason = "OutOfMemory"
    text = json.dumps({"reason": reason, "message": error.message, "retryable": retryable})
    with suppress(OSError):
        log.write_text(text)


def main() -> int:
    """The exit code: 0 after a drain, 1 when the model does not load or broke, 2 for settings."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        print(f"model-server: {error}", file=sys.stderr)
        return 2
    logs.configure(settings.log_level, "model-server", workspace=settings.workspace_key)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        uvloop.run(serve(settings))
    except InferenceError as error:
        logger.error(error.message)
        report(settings.termination_log, error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
