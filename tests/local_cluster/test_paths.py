"""Where things lie, from the environment."""

from pathlib import Path

from tools.local_cluster import topology
from tools.local_cluster.paths import Paths


def test_defaults() -> None:
    paths = Paths.from_env({})
    assert paths.kubeconfig == Path("/var/lib/kaito-local/kubeconfig")
    assert paths.bin.parts[-3:] == (".cache", "kaito", "bin")


def test_named_by_the_environment() -> None:
    paths = Paths.from_env({"KAITO_CACHE": "/c", "KAITO_HOME": "/h"})
    assert (paths.registry, paths.node("a")) == (Path("/c/registry"), Path("/h/nodes/a"))


def test_the_folder_that_the_user_named_is_never_removed_whole() -> None:
    paths = Paths.from_env({"KAITO_HOME": "/h"})
    assert all(folder.parent == paths.home for folder in paths.of_cluster)


def test_names_fit_the_kernels_limits() -> None:
    last = topology.MAX_NODES - 1
    assert len(topology.veth(last)) <= 15
    assert topology.node_address(last) == "172.30.0.249"
    assert topology.pod_range(last) == "10.244.239.0/24"
