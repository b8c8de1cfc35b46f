"""Pods of runs and of models as the manifests make them, and what their containers have."""

from typing import Any

from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from kaito_presets import catalog
from kaito_presets.preset import Runtime
from tests.workspace_controller.given import CONFIG, INSTANCE, OWNER, PRESET, settings, tuning
from workspace_controller.manifests.model_pod import ModelPod, ServedAdapter, model_pod_spec
from workspace_controller.manifests.placement import Placement
from workspace_controller.manifests.pods import ModelSource
from workspace_controller.manifests.tuning_job import TuningPod, job
from workspace_controller.settings import ModelDelivery

PLACING = Placement(
    owner=OWNER,
    node_labels={"app": "phi"},
    instance_type=INSTANCE,
    gpus={"nvidia.com/gpu": "1"},
)


def source(**changes: Any) -> ModelSource:
    preset = catalog.load().find(PRESET)
    assert preset is not None
    given = {
        "delivery": ModelDelivery.IMAGE_VOLUME,
        "preset": preset,
        "image": "r/kaito-phi:1",
        "path": "/workspace/tfs/weights",
    }
    return ModelSource(**{**given, **changes})


def tuning_pod(spec: Manifest | None = None, **changes: Any) -> Manifest:
    given: dict[str, Any] = {
        "owner": OWNER,
        "tuning": Tuning.model_validate(spec or tuning()),
        "model": source(),
        "config": CONFIG,
        "placement": PLACING,
        "settings": settings(insecure_registries=("r:5000",)),
    }
    return job(TuningPod(**{**given, **changes}))


def model_pod(**changes: Any) -> Manifest:
    given: dict[str, Any] = {
        "owner": OWNER,
        "model": source(),
        "adapters": (),
        "default_adapter": "",
        "max_model_len": 0,
        "nodes": 1,
        "placement": PLACING,
        "settings": settings(),
    }
    return model_pod_spec(ModelPod(**{**given, **changes}))


def pod_of(made: Manifest) -> Manifest:
    spec: Manifest = made["spec"]["template"]["spec"]
    return spec


def everything(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def env_of(container: Manifest) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container["env"]}


def mounts_of(container: Manifest) -> dict[str, Manifest]:
    return {mount["mountPath"]: mount for mount in container["volumeMounts"]}


PODS = {
    "tuning": pod_of(tuning_pod()),
    "inference": model_pod(adapters=(ServedAdapter(name="style", image="r/a@sha256:1"),)),
    "init-copy": model_pod(model=source(delivery=ModelDelivery.INIT_COPY)),
    "hub": model_pod(model=source(delivery=ModelDelivery.HUB, access_secret="hf")),
    "vllm": model_pod(
        adapters=(ServedAdapter(name="style", image="r/a@sha256:1"),),
        engine=Runtime.VLLM,
        vllm_arguments=("/mnt/model", "--port=8000"),
    ),
    "volume output": pod_of(tuning_pod(tuning(output={"volumeSource": {"emptyDir": {}}}))),
}
