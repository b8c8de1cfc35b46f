"""The settings, read once from environment variables named KAITO_*."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from kaito_process.environment import Environment, SettingError

# Where KAITO publishes its model images.
PRESET_REGISTRY = "mcr.microsoft.com/aks/kaito"
HUB_ENDPOINT = "https://huggingface.co"
PRICE_LIST = "https://prices.azure.com/api/retail/prices"
# Below, nothing is left for answers once the pod is out of the Service's endpoints.
MIN_GRACE_PERIOD_SECONDS, MAX_GRACE_PERIOD_SECONDS = 30, 365 * 24 * 3600


class NodeProvisioner(StrEnum):
    """How nodes are requested."""

    MACHINE = "machine"
    NODECLAIM = "nodeclaim"
    NODEPOOL = "nodepool"
    BYO = "byo"


class ModelDelivery(StrEnum):
    """How the files of a model get into a pod."""

    IMAGE_VOLUME = "image-volume"
    INIT_COPY = "init-copy"
    HUB = "hub"


class AdapterDelivery(StrEnum):
    """How the images of adapters get into a pod that serves a preset.

    `AUTO` pulls where every one of them names a Secret: only the kubelet has the node's own access
    to a registry.
    """

    AUTO = "auto"
    PULL = "pull"
    MOUNT = "mount"


class EngineChoice(StrEnum):
    """What serves a model whose Workspace names no engine; `AUTO` depends on its nodes."""

    AUTO = "auto"
    VLLM = "vllm"
    TRANSFORMERS = "transformers"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSettings:
    """The container of one service in the pods that the controller creates."""

    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)


# Where the chart sets no resources.
_SMALL: Mapping[str, Any] = {"requests": {"cpu": "50m", "memory": "96Mi"}}
_LARGE: Mapping[str, Any] = {"requests": {"cpu": "500m", "memory": "1Gi"}}
_ENGINE: Mapping[str, Any] = {"requests": {"cpu": "1", "memory": "4Gi"}}

VLLM_IMAGE = "docker.io/vllm/vllm-openai:v0.33.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`gpu_node_ready`: a node is usable only once it advertises its GPUs.
    `webhook_service`: the Service that leads to the webhook; empty to serve none.
    `backends_config_map`: the ConfigMap that lists the models; empty to write none.
    `max_model_nodes`: nodes that one model may span, with an engine that can.
    `model_server_slim_image`: without torch, for pods whose engine has a container of its own;
    empty to use the other one there, too.
    `vllm`: the container of vLLM's own server.
    `hub_endpoint`: the Hugging Face hub, or a mirror of it; empty to serve presets only.
    `model_cache`: the folder of a node that keeps models of the hub; empty to keep none.
    `price_list`: Azure's price list, or a mirror of it; empty to use recorded prices only.
    `node_class`: group/kind/name that claims and pools refer to; empty for the default of the
    node provisioner.
    `data_check`: the data of a run is checked before nodes are requested.
    `checkpoint_storage_class`: of the volumes that keep the checkpoints of runs; empty for the
    cluster's default, "none" for the node's disk.
    `progress_seconds`: how often a tuning run is asked for its progress.
    `namespaced_owners`: owner references for objects of the release; read from the cluster.
    `administration_key`: of which the tokens for model-servers are made; read from a Secret.
    `termination_grace_period_seconds`: what a pod that serves has to end in, with its answers.
    """

    release_namespace: str = "kaito-system"
    release_name: str = "kaito"
    pod_name: str = "workspace-controller"
    lease_name: str = "kaito-workspace-controller"
    node_provisioner: NodeProvisioner = NodeProvisioner.MACHINE
    node_class: str = ""
    gpu_node_ready: bool = True
    max_model_nodes: int = 16
    preset_registry: str = PRESET_REGISTRY
    model_delivery: ModelDelivery = ModelDelivery.IMAGE_VOLUME
    hub_endpoint: str = HUB_ENDPOINT
    model_cache: str = ""
    price_list: str = ""
    adapter_delivery: AdapterDelivery = AdapterDelivery.AUTO
    tuner: PodSettings
    model_server: PodSettings
    model_server_slim_image: str = ""
    gateway: PodSettings
    engine: EngineChoice = EngineChoice.AUTO
    vllm: PodSettings = PodSettings(image=VLLM_IMAGE, resources=_ENGINE)
    insecure_registries: tuple[str, ...] = ()
    allow_private_data_hosts: bool = False
    max_data_bytes: int = 20 * 2**30
    data_check: bool = True
    checkpoint_storage_class: str = ""
    checkpoint_storage_size: str = "64Gi"
    backends_config_map: str = ""
    webhook_service: str = ""
    webhook_port: int = 9443
    http_port: int = 8080
    grpc_port: int = 9090
    log_level: str = "info"
    concurrency: int = 16
    progress_seconds: float = 3.0
    # An answer takes at most 600 seconds (the gateway's request timeout), and ending takes 30.
    termination_grace_period_seconds: int = 630
    network_policies: bool = True
    namespaced_owners: tuple[Mapping[str, Any], ...] = ()
    administration_key: str = field(default="", repr=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads the environment.

        Raises:
            SettingError: a variable is missing or unusable.
        """
        env = Environment(environ)
        return cls(
            release_namespace=env.text("KAITO_RELEASE_NAMESPACE", "kaito-system"),
            release_name=env.text("KAITO_RELEASE_NAME", "kaito"),
            pod_name=env.text("KAITO_POD_NAME", "workspace-controller"),
            lease_name=env.text("KAITO_LEASE_NAME", "kaito-workspace-controller"),
            node_provisioner=env.choice(
                "KAITO_NODE_PROVISIONER", NodeProvisioner, NodeProvisioner.MACHINE
            ),
            node_class=_node_class(env),
            gpu_node_ready=env.flag("KAITO_GPU_NODE_READY", True),
            max_model_nodes=env.integer("KAITO_MAX_MODEL_NODES", 16, minimum=1),
            preset_registry=env.text("KAITO_PRESET_REGISTRY", PRESET_REGISTRY).rstrip("/"),
            model_delivery=env.choice(
                "KAITO_MODEL_DELIVERY", ModelDelivery, ModelDelivery.IMAGE_VOLUME
            ),
            hub_endpoint=_url_or_none(env, "KAITO_HUB_ENDPOINT", HUB_ENDPOINT).rstrip("/"),
            model_cache=_folder(env, "KAITO_MODEL_CACHE"),
            price_list=_url_or_none(env, "KAITO_PRICE_LIST", PRICE_LIST),
            adapter_delivery=env.choice(
                "KAITO_ADAPTER_DELIVERY", AdapterDelivery, AdapterDelivery.AUTO
            ),
            tuner=_pod(env, "KAITO_TUNER", _LARGE),
            model_server=_pod(env, "KAITO_MODEL_SERVER", _LARGE),
            model_server_slim_image=env.text("KAITO_MODEL_SERVER_SLIM_IMAGE", ""),
            gateway=_pod(env, "KAITO_GATEWAY", _SMALL),
            engine=env.choice("KAITO_ENGINE", EngineChoice, EngineChoice.AUTO),
            vllm=_pod(env, "KAITO_VLLM", _ENGINE, VLLM_IMAGE),
            insecure_registries=env.comma_separated("KAITO_INSECURE_REGISTRIES"),
            allow_private_data_hosts=env.flag("KAITO_ALLOW_PRIVATE_DATA_HOSTS", False),
            max_data_bytes=env.integer(
                "KAITO_MAX_DATA_BYTES", 20 * 2**30, minimum=1, maximum=2**60
            ),
            data_check=env.flag("KAITO_DATA_CHECK", True),
            checkpoint_storage_class=env.text("KAITO_CHECKPOINT_STORAGE_CLASS", ""),
            checkpoint_storage_size=env.text("KAITO_CHECKPOINT_STORAGE_SIZE", "64Gi"),
            backends_config_map=env.text("KAITO_BACKENDS_CONFIG_MAP", ""),
            webhook_service=env.text("KAITO_WEBHOOK_SERVICE", ""),
            webhook_port=env.port("KAITO_WEBHOOK_PORT", 9443),
            http_port=env.port("KAITO_HTTP_PORT", 8080),
            grpc_port=env.port("KAITO_GRPC_PORT", 9090),
            log_level=env.log_level("KAITO_LOG_LEVEL"),
            concurrency=env.integer("KAITO_CONCURRENCY", 16, minimum=1, maximum=1000),
            progress_seconds=env.seconds("KAITO_PROGRESS_SECONDS", 3, minimum=1),
            network_policies=env.flag("KAITO_NETWORK_POLICIES", True),
            termination_grace_period_seconds=env.integer(
                "KAITO_TERMINATION_GRACE_PERIOD_SECONDS",
                630,
                minimum=MIN_GRACE_PERIOD_SECONDS,
                maximum=MAX_GRACE_PERIOD_SECONDS,
            ),
        )


def release_metadata(settings: Settings, name: str) -> dict[str, Any]:
    """The metadata of an object in the release's namespace that belongs to no Workspace."""
    owners = settings.namespaced_owners
    return {
        "name": name,
        "namespace": settings.release_namespace,
        "labels": release_labels(settings),
        **({"ownerReferences": [dict(owner) for owner in owners]} if owners else {}),
    }


def release_labels(settings: Settings) -> dict[str, str]:
    """The labels of objects that belong to the release and to no Workspace."""
    return {
        "app.kubernetes.io/part-of": "kaito",
        "app.kubernetes.io/instance": settings.release_name,
    }


def _pod(
    env: Environment, prefix: str, resources: Mapping[str, Any], image: str | None = None
) -> PodSettings:
    """`image` is the default; without one the variable is required."""
    extra = env.json_object(f"{prefix}_ENV", {})
    return PodSettings(
        image=env.text(f"{prefix}_IMAGE", image),
        env={name: str(value) for name, value in extra.items()},
        resources=env.json_object(f"{prefix}_RESOURCES", resources),
    )


def _url_or_none(env: Environment, name: str, default: str) -> str:
    """Empty for the value none."""
    value = env.text(name, default)
    if value == "none":
        return ""
    address = urlsplit(value)
    if address.scheme not in ("http", "https") or not address.hostname or address.query:
        raise SettingError(name, value, f"set a URL such as {default}, or none")
    return value


def _folder(env: Environment, name: str) -> str:
    """An absolute path below the root of a file system; empty for none."""
    value = env.text(name, "")
    path = PurePosixPath(value)
    if value and (not path.is_absolute() or ".." in path.parts or len(path.parts) < 3):
        raise SettingError(name, value, "set a folder of its own, such as /var/lib/kaito/models")
    return value


def _node_class(env: Environment) -> str:
    value = env.text("KAITO_NODE_CLASS", "")
    if value and len(value.split("/")) != 3:
        remedy = "set group/kind/name, for example karpenter.azure.com/AKSNodeClass/default"
        raise SettingError("KAITO_NODE_CLASS", value, remedy)
    return value
