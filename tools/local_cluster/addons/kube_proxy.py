"""Renders kube-proxy's configuration; every network namespace with Services runs one."""

import json
from pathlib import Path

from tools.local_cluster import topology


def render(kubeconfig: Path, node: str) -> str:
    """Configuration for the proxy of one namespace; ports are per namespace, so never clash."""
    return json.dumps(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "hostnameOverride": node,
            "mode": "nftables",
            "nftables": {"syncPeriod": "30s", "minSyncPeriod": "100ms"},
            # Whoever is no pod gets its node's address, so that answers find the way back.
            "clusterCIDR": topology.POD_RANGE,
            "detectLocalMode": "ClusterCIDR",
            # IPv4 alone: the proxy takes the families of its bind address.
            "bindAddress": "0.0.0.0",
            "healthzBindAddress": f"127.0.0.1:{topology.PROXY_HEALTH_PORT}",
            "metricsBindAddress": f"127.0.0.1:{topology.PROXY_METRICS_PORT}",
            # The kernel's limits are the machine's own, and often not ours to change.
            "conntrack": {
                "maxPerCore": 0,
                "min": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
            "oomScoreAdj": 0,
        },
        indent=1,
    )
