"""The cluster's DNS: CoreDNS as a host process behind the usual Service.

On the host it needs no image and works before there is a node. A Service without a selector, with
an EndpointSlice that we create, leads pods to it.
"""

import urllib.request
from pathlib import Path
from typing import Any, Final

from tools.local_cluster import topology
from tools.local_cluster.control_plane import components
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes.daemons import Daemon

READY: Final = f"{topology.HOST}:{topology.DNS_READY_PORT}"
_NAME: Final = "kube-dns"
_NAMESPACE: Final = "kube-system"
_RBAC: Final = "rbac.authorization.k8s.io"


def corefile(paths: Paths, resolver: Path | None) -> str:
    """CoreDNS's configuration. `resolver` is the resolv.conf to forward other names to."""
    forward = f"forward . {resolver}" if resolver else ""
    return f"""\
.:{topology.DNS_PORT} {{
    bind {topology.HOST}
    errors
    ready {READY}
    kubernetes {topology.CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {paths.config / "coredns.kubeconfig"} {topology.CLUSTER_NAME}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 5
    }}
    {forward}
    cache 30 {{
        disable success {topology.CLUSTER_DOMAIN}
        disable denial {topology.CLUSTER_DOMAIN}
    }}
}}
"""


def daemon(paths: Paths) -> Daemon:
    argv = [str(paths.bin / "coredns"), "-conf", str(paths.config / "Corefile")]
    return components.daemon(paths, "coredns", argv)


def manifests() -> dict[str, dict[str, Any]]:
    """API path -> object: the Service, its endpoint, and CoreDNS's read access."""
    namespaced = {"name": _NAME, "namespace": _NAMESPACE}
    core, slices = f"/api/v1/namespaces/{_NAMESPACE}", "/apis/discovery.k8s.io/v1"
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": topology.DNS_PORT},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": topology.DNS_PORT},
    ]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**namespaced, "labels": {"k8s-app": _NAME}},
        "spec": {"clusterIP": topology.DNS_SERVICE, "ports": ports},
    }
    endpoint = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            **namespaced,
            "labels": {"kubernetes.io/service-name": _NAME},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [topology.HOST], "conditions": {"ready": True}}],
        "ports": [
            {"name": p["name"], "port": topology.DNS_PORT, "protocol": p["protocol"]} for p in ports
        ],
    }
    return {
        f"{core}/services/{_NAME}": service,
        f"{slices}/namespaces/{_NAMESPACE}/endpointslices/{_NAME}": endpoint,
        **_rbac(),
    }


def _rbac() -> dict[str, dict[str, Any]]:
    name = "system:coredns"
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["services", "pods", "namespaces"],
                "verbs": ["list", "watch"],
            },
            {
                "apiGroups": ["discovery.k8s.io"],
                "resources": ["endpointslices"],
                "verbs": ["list", "watch"],
            },
        ],
    }
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": name}],
    }
    return {
        f"/apis/{_RBAC}/v1/clusterroles/{name}": role,
        f"/apis/{_RBAC}/v1/clusterrolebindings/{name}": binding,
    }


def is_ready() -> bool:
    """Whether CoreDNS has loaded the cluster's Services."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{READY}/ready", timeout=1):
            return True
    except OSError:
        return False
