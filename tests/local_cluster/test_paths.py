"""Paths from the environment, and names within the kernel's limits."""

from pathlib import Path

from tools.local_cluster import topology
from tools.local_cluster.paths import Paths


def test_defaults() -> None:
    paths = Paths.from_env({})
    assert paths.kubeconfig == Path("/var/lib/kaito-local/kubeconfig")
    assert paths.bin.parts[-3:] == (".cache", "kaito", "bin")


def test_environment_overrides_defaults() -> None:
    paths = Paths.from_env({"KAITO_CACHE": "/c", "KAITO_HOME": "/h"})
    assert (paths.registry, paths.node("a")) == (Path("/c/registry"), Path("/h/nodes/a"))


def test_home_itself_is_never_removed() -> None:
    paths = Paths.from_env({"KAITO_HOME": "/h"})
    assert all(folder.parent == paths.home for folder in paths.cluster_folders)


def test_names_fit_kernel_limits() -> None:
    last = topology.MAX_NODES - 1
    assert len(topology.veth(last)) <= 15
    assert topology.node_address(last) == "172.30.0.249"
    assert topology.pod_range(last) == "10.244.239.0/24"
