"""The pod that serves a model: model-server, and inference-gateway beside it.

With the engine transformers, the model runs in model-server, which has the GPUs; with vLLM, in a
container of its own.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from kaito_api.manifest import Opaque
from kaito_kube.kinds import Manifest
from kaito_presets.preset import Runtime
from workspace_controller.manifests.administration import token_sha256
from workspace_controller.manifests.engine import engine_container, shared_memory
from workspace_controller.manifests.metadata import Owner
from workspace_controller.manifests.model_files import model_files
from workspace_controller.manifests.placement import Placement
from workspace_controller.manifests.pods import (
    ADAPTERS_PATH,
    ADMINISTRATION_PORT,
    DATA_SUBPATH,
    MODEL_PATH,
    Files,
    ModelSource,
    empty_dir,
    image_volume,
    plain_env,
    pod_spec,
    with_gpus,
)
from workspace_controller.manifests.serving_containers import (
    gateway_container,
    model_server_container,
    model_server_env,
)
from workspace_controller.settings import PodSettings, Settings
from workspace_controller.vllm.command import HOST, PORT

_SHARED_MEMORY = {"name": "dshm", "mountPath": "/dev/shm"}
# Where model-server pulls adapters to, and the variable that says so.
_PULLED_ADAPTERS = {"name": "pulled-adapters", "mountPath": "/var/run/kaito/pulled-adapters"}
PULLED_ADAPTERS = "KAITO_PULLED_ADAPTERS_DIR"
# The controller sends the list while the model loads; without a controller, the model still serves.
_FIRST_LIST_SECONDS = 60
# Where model-server puts adapters at their strength, for vLLM to read.
_ENGINE_ADAPTERS = {"name": "engine-adapters", "mountPath": "/var/run/kaito/adapters"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedAdapter:
    """Comes from an image or a volume; `subpath` is the directory of the files in it."""

    name: str
    strength: float = 1.0
    image: str = ""
    volume: Opaque | None = None
    subpath: str = DATA_SUBPATH
    pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPod:
    """`default_adapter` answers requests that name no model.

    `nodes` is the number of pods that serve the model together. `max_model_len` is in tokens, 0
    to let the engine choose. `vllm_arguments` are those of `vllm serve`. `pulls_adapters`:
    model-server pulls adapters while it runs, besides those that are mounted.
    """

    owner: Owner
    model: ModelSource
    adapters: tuple[ServedAdapter, ...]
    default_adapter: str
    max_model_len: int
    nodes: int
    placement: Placement
    settings: Settings
    engine: Runtime = Runtime.TRANSFORMERS
    vllm_arguments: tuple[str, ...] = ()
    measures: bool = True
    pulls_adapters: bool = False

    @property
    def has_vllm(self) -> bool:
        return self.engine is Runtime.VLLM

    @property
    def copies_adapters(self) -> bool:
        """Whether the engine reads copies of the adapters that model-server writes.

        Of several pods only the first has a model-server that writes any.
        """
        has_adapters = self.pulls_adapters or bool(self.adapters)
        return self.has_vllm and has_adapters and self.nodes == 1


def model_pod_spec(pod: ModelPod) -> Manifest:
    downloader = pod.settings.vllm if pod.has_vllm else pod.settings.model_server
    model, adapters = model_files(pod.model, downloader), _adapters(pod.adapters)
    init = [*model.init, *([_engine(pod, model, adapters)] if pod.has_vllm else ())]
    grace_period_seconds = pod.settings.termination_grace_period_seconds
    gateway = gateway_container(pod.owner, pod.settings.gateway, grace_period_seconds)
    secrets = [name for adapter in pod.adapters for name in adapter.pull_secrets]
    return {
        **pod_spec(pod.placement, (*pod.model.pull_secrets, *secrets)),
        "terminationGracePeriodSeconds": grace_period_seconds,
        **({"initContainers": init} if init else {}),
        "containers": [_model_server(pod, model, adapters), gateway],
        "volumes": [
            *model.volumes,
            *adapters.volumes,
            # For PyTorch and NCCL: a container has 64 MiB of shared memory by default.
            empty_dir("dshm", "Memory", _shared_memory(pod)),
            empty_dir("tmp"),
            *([empty_dir(_ENGINE_ADAPTERS["name"])] if pod.copies_adapters else ()),
            *([empty_dir(_PULLED_ADAPTERS["name"])] if pod.pulls_adapters else ()),
        ],
    }


def _copies(pod: ModelPod) -> tuple[Manifest, ...]:
    return (_ENGINE_ADAPTERS,) if pod.copies_adapters else ()


def _shared_memory(pod: ModelPod) -> str:
    return shared_memory(sum(map(int, pod.placement.gpus.values()))) if pod.has_vllm else ""


def _engine(pod: ModelPod, model: Files, adapters: Files) -> Manifest:
    group = _group(pod) if pod.nodes > 1 else ()
    mounts = (*model.mounts, *adapters.mounts, *_copies(pod), _SHARED_MEMORY)
    files = Files(mounts=mounts, env=model.env)
    return engine_container(pod.settings.vllm, pod.vllm_arguments, files, pod.placement.gpus, group)


def _model_server(pod: ModelPod, model: Files, adapters: Files) -> Manifest:
    memory = () if pod.has_vllm else (_SHARED_MEMORY,)
    pulled = (_PULLED_ADAPTERS,) if pod.pulls_adapters else ()
    mounts = (*model.mounts, *adapters.mounts, *_copies(pod), *pulled, *memory)
    group = _group(pod) if pod.nodes > 1 else ()
    files = Files(mounts=mounts, env=(*model.env, *group))
    server = model_server_container(
        _model_server_settings(pod),
        _env(pod),
        files,
        grace_period_seconds=pod.settings.termination_grace_period_seconds,
        startup_seconds=pod.model.preset.readiness_timeout_seconds,
    )
    return server if pod.has_vllm else with_gpus(server, pod.placement.gpus)


def _model_server_settings(pod: ModelPod) -> PodSettings:
    settings = pod.settings.model_server
    slim = pod.settings.model_server_slim_image if pod.has_vllm else ""
    return replace(settings, image=slim) if slim else settings


def _env(pod: ModelPod) -> dict[str, str]:
    env = {
        **model_server_env(
            pod.owner, pod.settings.termination_grace_period_seconds, measures=pod.measures
        ),
        "KAITO_MODEL_PATH": MODEL_PATH,
        "KAITO_MODEL_NAME": pod.model.preset.name,
        "KAITO_DTYPE": pod.model.preset.dtype.value,
        "KAITO_ENGINE": Runtime.VLLM.value if pod.has_vllm else "auto",
        "KAITO_ADAPTERS_DIR": ADAPTERS_PATH,
        "KAITO_ADAPTER_STRENGTHS": json.dumps({a.name: a.strength for a in pod.adapters}),
    }
    if key := pod.settings.administration_key:
        env["KAITO_ADMINISTRATION_PORT"] = str(ADMINISTRATION_PORT)
        env["KAITO_ADMINISTRATION_TOKEN_SHA256"] = token_sha256(key, pod.owner)
    if pod.pulls_adapters:
        env[PULLED_ADAPTERS] = _PULLED_ADAPTERS["mountPath"]
        env["KAITO_PULLED_ADAPTERS_WAIT_SECONDS"] = str(_FIRST_LIST_SECONDS)
    if pod.default_adapter:
        env["KAITO_DEFAULT_ADAPTER"] = pod.default_adapter
    if pod.max_model_len:
        env["KAITO_MAX_MODEL_LEN"] = str(pod.max_model_len)
    if pod.has_vllm:
        env["KAITO_ENGINE_URL"] = f"http://{HOST}:{PORT}"
    if pod.copies_adapters:
        env["KAITO_ENGINE_ADAPTERS_DIR"] = _ENGINE_ADAPTERS["mountPath"]
    return env


def _group(pod: ModelPod) -> tuple[Manifest, ...]:
    """How the pods of a model that spans nodes find the first of them, and each its place."""
    name = pod.owner.name
    leader = f"{name}-0.{name}-headless.{pod.owner.namespace}.svc"
    rank = "metadata.labels['apps.kubernetes.io/pod-index']"
    return (
        *plain_env({"KAITO_NODES": str(pod.nodes), "KAITO_LEADER": leader}),
        {"name": "KAITO_NODE_RANK", "valueFrom": {"fieldRef": {"fieldPath": rank}}},
        # The address that the others reach this pod by.
        {"name": "VLLM_HOST_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
    )


def _adapters(adapters: tuple[ServedAdapter, ...]) -> Files:
    volumes: list[Manifest] = []
    mounts: list[Manifest] = []
    for index, adapter in enumerate(adapters):
        name = f"adapter-{index}"
        volumes.append(
            image_volume(name, adapter.image)
            if adapter.image
            else {"name": name, **(adapter.volume or {})}
        )
        mount: dict[str, Any] = {
            "name": name,
            "mountPath": f"{ADAPTERS_PATH}/{adapter.name}",
            "readOnly": True,
        }
        if adapter.subpath:
            mount["subPath"] = adapter.subpath
        mounts.append(mount)
    return Files(tuple(volumes), tuple(mounts))
