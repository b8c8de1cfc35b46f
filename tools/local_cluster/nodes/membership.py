"""Adding, removing and listing nodes: the interface for other programs.

Each node is a network namespace with its own containerd, kubelet and kube-proxy. All functions are
idempotent and may be called concurrently, also from several processes.
"""

import os

from tools.local_cluster import locks
from tools.local_cluster.control_plane import kube_api
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.nodes import lifecycle
from tools.local_cluster.nodes.spec import NodeSpec, Taint, check_name
from tools.local_cluster.paths import Paths

__all__ = ["NodeSpec", "Taint", "add", "names", "remove"]


def add(spec: NodeSpec, paths: Paths | None = None) -> None:
    """Start the node and wait until it is Ready with its labels, taints and GPUs.

    Raises:
        StartFailed: the node is not Ready in time.
        ApiError: the API server rejects the node.
        ClusterError: the name is not valid, or no cluster is up.
    """
    paths = paths or Paths.from_env(os.environ)
    with locks.one_node(paths, check_name(spec.name)):
        if not paths.kubeconfig.exists():
            raise ClusterError(
                "the cluster is not up: run `python -m tools.local_cluster up` first"
            )
        lifecycle.start(paths, spec)


def remove(name: str, paths: Paths | None = None, *, delete_object: bool = False) -> None:
    """Stop the node and all its containers, and remove its files from the machine.

    The Node object stays unless `delete_object` is set, as when a virtual machine is deleted.
    """
    paths = paths or Paths.from_env(os.environ)
    with locks.one_node(paths, check_name(name)):
        lifecycle.stop(paths, name)
    if delete_object:
        kube_api.KubeApi(paths.pki).delete(f"/api/v1/nodes/{name}")


def names(paths: Paths | None = None) -> list[str]:
    """The names of all nodes that were added and not removed, running or not."""
    return sorted(lifecycle.indexes(paths or Paths.from_env(os.environ)))
