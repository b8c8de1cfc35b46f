"""Renders a kubelet's configuration and flags, and decides which labels it may set. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.nodes.spec import Taint
from tools.local_cluster.pki import certificates

# The labels that a kubelet may set on its own node, according to the checks of `--node-labels` and
# the NodeRestriction admission plugin.
_ALLOWED_NAMES: Final = frozenset(
    {
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "kubernetes.io/arch",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
        "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
    }
)
_ALLOWED_NAMESPACES: Final = ("kubelet.kubernetes.io", "node.kubernetes.io")
_RESERVED_DOMAINS: Final = ("kubernetes.io", "k8s.io")

# All nodes share one machine, perhaps with swap and cgroup v1. No node may evict pods or delete
# images because of what the others use.
_SMALL_MACHINE: Final[dict[str, object]] = {
    "cgroupDriver": "cgroupfs",
    "failCgroupV1": False,
    "failSwapOn": False,
    "oomScoreAdj": 0,
    "evictionHard": {"memory.available": "64Mi", "nodefs.available": "1%"},
    "imageGCHighThresholdPercent": 100,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The inputs of one kubelet's configuration."""

    node: str
    address: str
    provider_id: str
    taints: Sequence[Taint]
    root: Path
    socket: Path
    tls: certificates.Pair
    authority: Path
    resolver: Path | None


def is_allowed(label: str) -> bool:
    """Whether the kubelet may set this label on its own node."""
    namespace = label.rpartition("/")[0]
    if not _within(namespace, _RESERVED_DOMAINS):
        return True
    return label in _ALLOWED_NAMES or _within(namespace, _ALLOWED_NAMESPACES)


def _within(namespace: str, domains: Sequence[str]) -> bool:
    return any(namespace == d or namespace.endswith(f".{d}") for d in domains)


def split_labels(labels: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """(labels that the kubelet registers with, labels that an administrator adds afterwards)."""
    allowed = {k: v for k, v in labels.items() if is_allowed(k)}
    return allowed, {k: v for k, v in labels.items() if k not in allowed}


def render(settings: Settings) -> str:
    """KubeletConfiguration as JSON."""
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "providerID": settings.provider_id,
        "registerWithTaints": [_rendered(taint) for taint in settings.taints],
        "containerRuntimeEndpoint": f"unix://{settings.socket}",
        "podLogsDir": str(settings.root / "pod-logs"),
        "volumePluginDir": str(settings.root / "plugins-exec"),
        "cgroupRoot": f"/{topology.cgroup(settings.node)}",
        "resolvConf": str(settings.resolver or ""),
        "clusterDomain": topology.CLUSTER_DOMAIN,
        "clusterDNS": [topology.DNS_SERVICE],
        "serializeImagePulls": False,
        # Zero removes the limit: the registry is on this machine.
        "registryPullQPS": 0,
        # Half of the kubelet's default, so that changes become visible sooner.
        "nodeStatusUpdateFrequency": "5s",
        **_server(settings),
        **_SMALL_MACHINE,
    }
    return json.dumps(config, indent=1)


def _server(settings: Settings) -> dict[str, object]:
    """Where the kubelet serves the API server, and how it authenticates it."""
    return {
        "address": settings.address,
        "port": topology.KUBELET_PORT,
        "readOnlyPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(settings.authority)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(settings.tls.cert),
        "tlsPrivateKeyFile": str(settings.tls.key),
    }


def _rendered(taint: Taint) -> dict[str, str]:
    value = {"value": taint.value} if taint.value else {}
    return {"key": taint.key, "effect": taint.effect, **value}


def flags(
    config: Path, kubeconfig: Path, settings: Settings, labels: Mapping[str, str]
) -> list[str]:
    """The settings that the kubelet accepts only as flags."""
    node_labels = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    return [
        f"--config={config}",
        f"--kubeconfig={kubeconfig}",
        f"--root-dir={settings.root}",
        f"--cert-dir={settings.root / 'pki'}",
        f"--hostname-override={settings.node}",
        f"--node-ip={settings.address}",
        f"--node-labels={node_labels}",
    ]
