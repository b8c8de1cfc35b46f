"""Renders kube-proxy's configuration. Every network namespace that uses Services runs one."""

import json
from pathlib import Path

from tools.local_cluster import topology


def render(kubeconfig: Path, node: str) -> str:
    """The configuration for one network namespace. Each has its own ports, so they never clash."""
    return json.dumps(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "hostnameOverride": node,
            "mode": "nftables",
            "nftables": {"syncPeriod": "30s", "minSyncPeriod": "100ms"},
            # Traffic from outside the pod range is masqueraded, so that replies find the way back.
            "clusterCIDR": topology.POD_RANGE,
            "detectLocalMode": "ClusterCIDR",
            # IPv4 only: kube-proxy serves the address families of its bind address.
            "bindAddress": "0.0.0.0",
            "healthzBindAddress": f"127.0.0.1:{topology.PROXY_HEALTH_PORT}",
            "metricsBindAddress": f"127.0.0.1:{topology.PROXY_METRICS_PORT}",
            # Zero keeps the machine's own limits, which a container often may not change.
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
