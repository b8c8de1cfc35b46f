"""The controller's settings, read once from the environment. Every one has a KAITO_ variable."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

Value = TypeVar("Value")


class SettingsError(Exception):
    """A variable, its value, and what it should be."""


class NodeProvisioner(StrEnum):
    """How nodes are asked for."""

    MACHINE = "machine"
    NODECLAIM = "nodeclaim"
    NODEPOOL = "nodepool"
    BYO = "byo"


class ModelDelivery(StrEnum):
    """How a model's files reach a pod."""

    IMAGE_VOLUME = "image-volume"
    INIT_COPY = "init-copy"
    HUB = "hub"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSettings:
    """One service's container in the pods that are made: image, further environment, resources."""

    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, Any] = field(default_factory=dict)


_SMALL: Mapping[str, Any] = {"requests": {"cpu": "50m", "memory": "96Mi"}}
_LARGE: Mapping[str, Any] = {"requests": {"cpu": "500m", "memory": "1Gi"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Names and places, then how nodes and models come, then how the process runs.

    `gpu_node_ready`: a node counts only once it advertises its GPUs.
    `webhook_service`: empty means that no webhook is served.
    `backends_config_map`: empty means that no list for a front door is kept.
    `max_model_nodes`: nodes that one model may span; more than 1 needs an engine that can.
    `node_class`: group/kind/name that claims and pools refer to; empty for the provisioner's own.
    """

    release_namespace: str = "kaito-system"
    release_name: str = "kaito"
    pod_name: str = "workspace-controller"
    lease_name: str = "kaito-workspace-controller"
    node_provisioner: NodeProvisioner = NodeProvisioner.MACHINE
    node_class: str = ""
    gpu_node_ready: bool = True
    max_model_nodes: int = 1
    preset_registry: str = "mcr.microsoft.com/aks/kaito"
    model_delivery: ModelDelivery = ModelDelivery.IMAGE_VOLUME
    tuner: PodSettings
    model_server: PodSettings
    gateway: PodSettings
    insecure_registries: tuple[str, ...] = ()
    allow_private_data_hosts: bool = False
    max_data_bytes: int = 20 * 2**30
    backends_config_map: str = ""
    webhook_service: str = ""
    webhook_port: int = 9443
    http_port: int = 8080
    log_level: str = "INFO"
    concurrency: int = 16
    progress_seconds: float = 3.0

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SettingsError for the first variable that cannot be used."""
        env = _Environment(environ)
        return cls(
            release_namespace=env.read("KAITO_RELEASE_NAMESPACE", "kaito-system", _text),
            release_name=env.read("KAITO_RELEASE_NAME", "kaito", _text),
            pod_name=env.read("KAITO_POD_NAME", "workspace-controller", _text),
            lease_name=env.read("KAITO_LEASE_NAME", "kaito-workspace-controller", _text),
            node_provisioner=env.choice("KAITO_NODE_PROVISIONER", NodeProvisioner.MACHINE),
            node_class=env.read("KAITO_NODE_CLASS", "", _node_class),
            gpu_node_ready=env.read("KAITO_GPU_NODE_READY", "true", _flag),
            max_model_nodes=env.read("KAITO_MAX_MODEL_NODES", "1", _positive),
            preset_registry=env.read(
                "KAITO_PRESET_REGISTRY", "mcr.microsoft.com/aks/kaito", _text
            ).rstrip("/"),
            model_delivery=env.choice("KAITO_MODEL_DELIVERY", ModelDelivery.IMAGE_VOLUME),
            tuner=env.pod("KAITO_TUNER", _LARGE),
            model_server=env.pod("KAITO_MODEL_SERVER", _LARGE),
            gateway=env.pod("KAITO_GATEWAY", _SMALL),
            insecure_registries=env.read("KAITO_INSECURE_REGISTRIES", "", _words),
            allow_private_data_hosts=env.read("KAITO_ALLOW_PRIVATE_DATA_HOSTS", "false", _flag),
            max_data_bytes=env.read("KAITO_MAX_DATA_BYTES", str(20 * 2**30), _positive),
            backends_config_map=env.read("KAITO_BACKENDS_CONFIG_MAP", "", str.strip),
            webhook_service=env.read("KAITO_WEBHOOK_SERVICE", "", str.strip),
            webhook_port=env.read("KAITO_WEBHOOK_PORT", "9443", _port),
            http_port=env.read("KAITO_HTTP_PORT", "8080", _port),
            log_level=env.read("KAITO_LOG_LEVEL", "INFO", _level),
            concurrency=env.read("KAITO_CONCURRENCY", "16", _positive),
            progress_seconds=env.read("KAITO_PROGRESS_SECONDS", "3", _seconds),
        )


Choice = TypeVar("Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class _Environment:
    values: Mapping[str, str]

    def read(self, name: str, default: str, parse: Callable[[str], Value]) -> Value:
        text = self.values.get(name, "").strip() or default
        try:
            return parse(text)
        except ValueError as error:
            raise SettingsError(f"{name}={text!r}: set {error}") from None

    def choice(self, name: str, default: Choice) -> Choice:
        kind = type(default)

        def parse(text: str) -> Choice:
            try:
                return kind(text.lower())
            except ValueError:
                raise ValueError(f"one of {', '.join(kind)}") from None

        return self.read(name, default.value, parse)

    def pod(self, prefix: str, resources: Mapping[str, Any]) -> PodSettings:
        return PodSettings(
            image=self.read(f"{prefix}_IMAGE", "", _text),
            env={key: str(value) for key, value in self._object(f"{prefix}_ENV", {}).items()},
            resources=self._object(f"{prefix}_RESOURCES", resources),
        )

    def _object(self, name: str, default: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.read(name, json.dumps(default), _json_object)


def _text(text: str) -> str:
    if not text:
        raise ValueError("a text that is not empty")
    return text


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _flag(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in known:
        raise ValueError("true or false")
    return known[text.lower()]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("a whole number above 0")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65535:
        raise ValueError("a port from 1 to 65535, or 0 for any free one")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise ValueError("seconds, more than 0 and at most 3600")
    return seconds


def _level(text: str) -> str:
    if text.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise ValueError("one of debug, info, warning, error")
    return text.upper()


def _node_class(text: str) -> str:
    if text and len(text.split("/")) != 3:
        raise ValueError("group/kind/name, for example karpenter.azure.com/AKSNodeClass/default")
    return text


def _json_object(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise ValueError('a JSON object, for example {"KEY": "value"}')
    return value
