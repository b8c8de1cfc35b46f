"""What all pods have in common: security, writable directories, environment, model files."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kaito_kube.kinds import Manifest
from kaito_presets.preset import Preset
from workspace_controller.manifests.placement import Placement, affinity, tolerations
from workspace_controller.settings import HUB_ENDPOINT, ModelDelivery, PodSettings

# The user of the service images.
USER = 65532
MODEL_PATH = "/mnt/model"
ADAPTERS_PATH = "/mnt/adapters"
MODEL_DOWNLOAD, MODEL_COPY = "model-download", "model-copy"
GRPC_PORT = 29500
METRICS_PORT = 9400
HTTP_PORT = 5000
ADMINISTRATION_PORT = 29501
# Where images of adapters and datasets hold their files.
DATA_SUBPATH = "data"

# Both meet the restricted pod security standard.
POD_SECURITY: Mapping[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFolder:
    """A folder of a model on its node: `path` below `root`."""

    root: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """`image` is empty for a download from the hub.

    `path` is where the image holds the files, and `access_secret` names a Secret with the key
    HF_TOKEN. `revision` is a commit of the hub; empty for the newest. `cache` is where the node
    keeps what is downloaded; None for this pod alone, and then `uncached` may say why.
    """

    delivery: ModelDelivery
    preset: Preset
    image: str = ""
    path: str = ""
    pull_secrets: tuple[str, ...] = ()
    access_secret: str = ""
    revision: str = ""
    hub_endpoint: str = HUB_ENDPOINT
    cache: NodeFolder | None = None
    uncached: str = ""


@dataclass(frozen=True, slots=True)
class Files:
    """Volumes, with the mounts, init containers and variables that they need."""

    volumes: tuple[Manifest, ...] = ()
    mounts: tuple[Manifest, ...] = ()
    init: tuple[Manifest, ...] = ()
    env: tuple[Manifest, ...] = ()


def pod_spec(placement: Placement, pull_secrets: Iterable[str] = ()) -> Manifest:
    """A restricted pod on the Workspace's nodes, without its containers."""
    return {
        **restricted_pod(pull_secrets),
        "affinity": affinity(placement),
        "tolerations": tolerations(),
    }


def restricted_pod(pull_secrets: Iterable[str] = ()) -> Manifest:
    """A restricted pod on any node, without its containers."""
    spec: Manifest = {
        # Nothing in these pods calls the API server.
        "automountServiceAccountToken": False,
        # A Service named kaito would add variables such as KAITO_PORT.
        "enableServiceLinks": False,
        "securityContext": dict(POD_SECURITY),
    }
    if names := sorted(set(pull_secrets)):
        spec["imagePullSecrets"] = [{"name": name} for name in names]
    return spec


def container(name: str, pod: PodSettings, env: Mapping[str, str], files: Files) -> Manifest:
    """A container with a read-only root and a writable /tmp. The settings override `env`."""
    # Libraries write their caches below HOME.
    merged = {"HOME": "/tmp", **env, **pod.env}
    return {
        "name": name,
        "image": pod.image,
        "securityContext": dict(CONTAINER_SECURITY),
        "env": [*plain_env(merged), *files.env],
        "resources": {key: dict(value) for key, value in pod.resources.items()},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *files.mounts],
        # The status shows the end of the log of a container that crashes without a report.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def with_gpus(base: Manifest, gpus: Mapping[str, str]) -> Manifest:
    """The container with the GPUs added to its limits and requests."""
    resources = base["resources"]
    changed = {
        **resources,
        "limits": {**resources.get("limits", {}), **gpus},
        "requests": {**resources.get("requests", {}), **gpus},
    }
    return {**base, "resources": changed}


def plain_env(values: Mapping[str, str]) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in values.items()]


def empty_dir(name: str, medium: str = "", size: str = "") -> Manifest:
    limits = {"medium": medium, "sizeLimit": size}
    return {"name": name, "emptyDir": {key: value for key, value in limits.items() if value}}


def image_volume(name: str, image: str) -> Manifest:
    return {"name": name, "image": {"reference": image, "pullPolicy": "IfNotPresent"}}
