"""kube-proxy's configuration."""

import json
from pathlib import Path

from tools.local_cluster.addons import kube_proxy

CONFIG = json.loads(kube_proxy.render(Path("/k"), "gpu-1"))


def test_kernel_limits_are_unchanged() -> None:
    assert CONFIG["conntrack"]["maxPerCore"] == 0


def test_only_pods_keep_their_source_address() -> None:
    assert (CONFIG["detectLocalMode"], CONFIG["clusterCIDR"]) == ("ClusterCIDR", "10.244.0.0/16")


def test_it_uses_nftables_for_ipv4() -> None:
    assert (CONFIG["mode"], CONFIG["bindAddress"]) == ("nftables", "0.0.0.0")
