"""The containers that every pod has which serves a model: model-server and inference-gateway."""

import math
from collections.abc import Mapping

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.graceful_stop import stop_gateway, stop_model_server
from workspace_controller.manifests.metadata import Owner
from workspace_controller.manifests.pods import (
    GRPC_PORT,
    HTTP_PORT,
    METRICS_PORT,
    Files,
    container,
)
from workspace_controller.settings import PodSettings

MODEL_SERVER, GATEWAY = "model-server", "inference-gateway"
INFERENCE_SERVICE = "kaito.inference.v1.InferenceService"
_STARTUP_PERIOD_SECONDS = 2


def model_server_env(
    owner: Owner, grace_period_seconds: int, *, measures: bool = True
) -> dict[str, str]:
    """The variables that do not depend on the model.

    `measures`: its speed is measured before it is ready.
    """
    return {
        **({} if measures else {"KAITO_MEASURE_SECONDS": "0"}),
        "KAITO_WORKSPACE": owner.name,
        "KAITO_NAMESPACE": owner.namespace,
        "KAITO_GRPC_PORT": str(GRPC_PORT),
        "KAITO_METRICS_PORT": str(METRICS_PORT),
        "KAITO_DRAIN_SECONDS": str(stop_model_server(grace_period_seconds).drain_seconds),
    }


def model_server_container(
    settings: PodSettings,
    env: Mapping[str, str],
    files: Files,
    *,
    grace_period_seconds: int,
    startup_seconds: int,
) -> Manifest:
    """`startup_seconds` is how long the model may take to load."""
    return {
        **container(MODEL_SERVER, settings, env, files),
        "lifecycle": stop_model_server(grace_period_seconds).lifecycle,
        "ports": [
            {"name": "grpc", "containerPort": GRPC_PORT},
            {"name": "metrics", "containerPort": METRICS_PORT},
        ],
        "startupProbe": _grpc(
            INFERENCE_SERVICE,
            _STARTUP_PERIOD_SECONDS,
            failureThreshold=math.ceil(startup_seconds / _STARTUP_PERIOD_SECONDS),
        ),
        "readinessProbe": _grpc(INFERENCE_SERVICE, 5),
        # Asks the server, not the model: a model that is busy must not be restarted.
        "livenessProbe": _grpc("", 10, failureThreshold=6),
    }


def gateway_container(owner: Owner, settings: PodSettings, grace_period_seconds: int) -> Manifest:
    stop = stop_gateway(grace_period_seconds)
    env = {
        "KAITO_HTTP_PORT": str(HTTP_PORT),
        "KAITO_BACKEND": f"localhost:{GRPC_PORT}",
        "KAITO_WORKSPACE": owner.name,
        "KAITO_NAMESPACE": owner.namespace,
        "KAITO_SHUTDOWN_TIMEOUT_SECONDS": str(stop.drain_seconds),
    }
    return {
        **container(GATEWAY, settings, env, Files()),
        "lifecycle": stop.lifecycle,
        "ports": [{"name": "http", "containerPort": HTTP_PORT}],
        "startupProbe": {**_get("/livez", 1), "failureThreshold": 60},
        "readinessProbe": _get("/healthz", 5),
        "livenessProbe": {**_get("/livez", 10), "failureThreshold": 6},
    }


def _grpc(service: str, period_seconds: int, **more: int) -> Manifest:
    grpc = {"port": GRPC_PORT, "service": service}
    return {"grpc": grpc, "periodSeconds": period_seconds, "timeoutSeconds": 5, **more}


def _get(path: str, period_seconds: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": HTTP_PORT},
        "periodSeconds": period_seconds,
        "timeoutSeconds": 5,
    }
