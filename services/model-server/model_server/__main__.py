"""The composition root: settings, engine, metrics, server. Run as `python -m model_server`."""

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import uvloop
from prometheus_client import start_http_server

from kaito_process import logs
from kaito_process.environment import SettingError
from model_server.adapters.registry import AdapterSettings
from model_server.calls.admission import AdmissionControl
from model_server.contract.follower import follow
from model_server.contract.server import AdministrationConfig, Server, ServerConfig
from model_server.contract.serving_state import ServingState
from model_server.engine import Engine, SchedulerStats
from model_server.errors import EngineFailed, InferenceError, ModelLoadFailed
from model_server.metrics import LoadedAdapters, Metrics
from model_server.openai_server.engine import OpenAIServerEngine
from model_server.pulled_adapters.folders import AdapterFolders
from model_server.pulled_adapters.puller import RegistryPuller
from model_server.pulled_adapters.reconciler import PulledAdapters
from model_server.settings import Settings
from model_server.startup import termination
from model_server.startup.host_memory import kv_cache_budget_bytes
from model_server.startup.model_in_use import hold_model
from model_server.startup.pod_address import pod_address
from model_server.text_generation_server.engine import TextGenerationServerEngine
from model_server.vllm.engine import VllmEngine
from model_server.vllm.engine_metrics import EngineMetrics

logger = logging.getLogger(__name__)


def create_engine(settings: Settings, report: Callable[[str], None]) -> Engine:
    """The engine that the settings name; "auto" means transformers.

    `report` gets what an engine in another container is waited for.

    Raises:
        ModelLoadFailed: the settings ask for more than one node of an engine that has one, or for
            an engine that this image does not have.
    """
    if settings.engine == "vllm":
        return VllmEngine(
            settings.engine_url,
            model=settings.engine_model,
            model_path=settings.model_path,
            adapters_dir=settings.engine_adapters_dir,
            report=report,
        )
    if settings.nodes > 1:
        raise ModelLoadFailed(
            f"KAITO_NODES = {settings.nodes}: this engine serves from one node; use an instance "
            "type that holds the whole model"
        )
    if settings.engine == "openai":
        return OpenAIServerEngine(
            settings.engine_url,
            model=settings.engine_model,
            max_context_tokens=settings.max_model_len,
            report=report,
        )
    if settings.engine == "text-generation-server":
        return TextGenerationServerEngine(
            settings.engine_url, model_path=settings.model_path, report=report
        )
    if find_spec("torch") is None:
        raise ModelLoadFailed(
            f"KAITO_ENGINE = {settings.engine!r} needs torch, which this image does not have; use "
            "the image model-server, or an engine that has a container of its own"
        )
    # Imported here, since importing torch takes seconds: the server is already listening by then.
    from model_server.transformers.engine import TransformersEngine
    from model_server.transformers.model_loader import LoadOptions

    configured = settings.kv_cache_bytes
    options = LoadOptions(
        path=settings.model_path,
        dtype=settings.dtype,
        cpu_bfloat16=settings.cpu_bfloat16,
        max_context_tokens=settings.max_model_len,
        trust_remote_code=settings.trust_remote_code,
    )
    return TransformersEngine(
        options,
        threads=settings.cpu_threads,
        kv_cache_budget_bytes=(lambda: configured) if configured else kv_cache_budget_bytes,
    )


def create_server_config(settings: Settings, report: Callable[[str], None]) -> ServerConfig:
    """The part of the settings that the server needs."""
    return ServerConfig(
        port=settings.grpc_port,
        administration=AdministrationConfig(
            port=settings.administration_port, token_sha256=settings.administration_token_sha256
        )
        if settings.administration_token_sha256
        else None,
        create_engine=partial(create_engine, settings, report),
        adapters=AdapterSettings(
            root=settings.adapters_dir,
            base_model=settings.model_name,
            default_adapter=settings.default_adapter,
            max_adapters=settings.max_adapters,
        ),
        strengths=settings.adapter_strengths,
        drain_seconds=settings.drain_seconds,
        measure_seconds=settings.measure_seconds,
        create_pulled=partial(create_pulled_adapters, settings.pulled_adapters_dir)
        if settings.pulled_adapters_dir
        else None,
        first_list_seconds=settings.pulled_adapters_wait_seconds,
    )


def create_pulled_adapters(folder: Path) -> PulledAdapters:
    """Adapters that are pulled over HTTP to `folder`."""
    stop = threading.Event()
    return PulledAdapters(AdapterFolders(folder, RegistryPuller(stop)), stop)


async def serve(settings: Settings) -> None:
    """Build everything and run until SIGTERM or SIGINT.

    Raises:
        InferenceError: the model or an adapter does not load, or the engine broke.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if settings.engine == "vllm" and settings.node_rank > 0:
        await follow(settings.grpc_port, settings.leader, stop)
        return
    state: ServingState

    def scheduler_stats() -> SchedulerStats:
        if state.served is None:
            return SchedulerStats(running=0, waiting=0, kv_cache_usage=0.0)
        return state.served.engine.scheduler_stats()

    def adapters() -> LoadedAdapters:
        loaded = state.served.adapters.loaded() if state.served else ()
        return LoadedAdapters([each.source.name for each in loaded], settings.max_adapters)

    is_vllm = settings.engine == "vllm"
    engine_metrics = EngineMetrics(settings.engine_url).read if is_vllm else tuple
    state = ServingState(
        name=settings.model_name,
        admission=AdmissionControl(settings.max_requests),
        metrics=Metrics(scheduler_stats, engine_metrics, adapters),
        pod_address=pod_address(),
    )
    metrics_server, _ = start_http_server(settings.metrics_port, registry=state.metrics.registry)
    try:
        await Server(state, create_server_config(settings, state.admission.report_loading)).run(
            stop
        )
    finally:
        metrics_server.shutdown()


def main() -> int:
    """The exit code: 0 after a drain, 1 if the model fails to load or breaks, 2 for settings."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingError as error:
        print(f"model-server: {error}", file=sys.stderr)
        return 2
    logs.configure(settings.log_level, "model-server", workspace=settings.workspace_key)
    # Nothing is downloaded at run time. Set before transformers is imported, which reads it once.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    # As long as this process runs, whatever becomes of the engine.
    in_use = hold_model(settings.model_path)
    try:
        uvloop.run(serve(settings))
    except InferenceError as error:
        logger.error(error.message)
        termination.write(settings.termination_log, error)
        return 1
    except Exception as error:
        # A defect of this server. The Workspace's status still needs a cause.
        logger.exception("the server ended unexpectedly")
        unexpected = EngineFailed(f"the model-server ended unexpectedly: {error!r}")
        termination.write(settings.termination_log, unexpected)
        return 1
    finally:
        if in_use is not None:
            in_use.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
