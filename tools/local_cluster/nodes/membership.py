"""Real nodes, as another program adds and removes them.

Each is a network namespace with its own containerd, kubelet and kube-proxy. `add`, `remove` and
`names` are safe to call at the same time, also from several processes, and do nothing where
there is nothing to do.
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
    """Starts the node and returns when it is Ready with its labels, taints and GPUs.

    Raises StartFailed when it is not Ready in time, ApiError when the API server refuses it.
    """
    paths = paths or Paths.from_env(os.environ)
    with locks.one_node(paths, check_name(spec.name)):
        if not paths.kubeconfig.exists():
            raise ClusterError("no cluster is up: run `python -m tools.local_cluster up` first")
        lifecycle.start(paths, spec)


def remove(name: str, paths: Paths | None = None, *, delete_object: bool = False) -> None:
    """Stops the node and all its containers, and takes away whatever it left on the machine.

    As when a virtual machine is deleted, the Node object stays, unless `delete_object`.
    """
    paths = paths or Paths.from_env(os.environ)
    with locks.one_node(paths, check_name(name)):
        lifecycle.stop(paths, name)
    if delete_object:
        kube_api.KubeApi(paths.pki).delete(f"/api/v1/nodes/{name}")


def names(paths: Paths | None = None) -> list[str]:
    """The nodes that were added and not removed, running or not."""
    return sorted(lifecycle.indexes(paths or Paths.from_env(os.environ)))
