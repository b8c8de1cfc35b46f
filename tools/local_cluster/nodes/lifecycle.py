"""Starts and stops a node: network, processes, registration, and the reverse.

Callers hold the node's lock.
"""

import contextlib
from pathlib import Path

from tools.local_cluster import locks, topology
from tools.local_cluster.control_plane import kube_api
from tools.local_cluster.errors import ClusterError, StartFailed
from tools.local_cluster.host import leftovers, mounts, network
from tools.local_cluster.nodes import components
from tools.local_cluster.nodes.kubelet import split_labels
from tools.local_cluster.nodes.spec import NodeSpec
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import cgroups, daemons, waiting

_READY_TIMEOUT_SECONDS = 60.0


def start(paths: Paths, spec: NodeSpec) -> None:
    """Create what is missing of the node and wait until it is Ready.

    Raises:
        StartFailed: the node is not Ready in time.
    """
    index = claim_index(paths, spec.name)
    _spec_file(paths, spec.name).write_text(spec.to_json())
    network.add_node(spec.name, index)
    heartbeat = None if is_running(paths, spec.name) else _last_heartbeat(paths, spec.name)
    components.start(paths, spec, index)
    _join(paths, spec, heartbeat)


def restart(paths: Paths, name: str) -> None:
    """Start the node's dead processes again; its containers keep running.

    A node that was killed before its specification was written is removed instead.
    """
    try:
        spec = NodeSpec.from_json(_spec_file(paths, name).read_text())
    except (FileNotFoundError, ValueError):
        stop(paths, name)
    else:
        start(paths, spec)


def stop(paths: Paths, name: str) -> None:
    """Kill everything on the node and remove its files; the Node object stays."""
    index = indexes(paths).get(name)
    if index is not None:
        _remove(paths, name, index)


def indexes(paths: Paths) -> dict[str, int]:
    """The index of each node, from which its addresses are derived."""
    found: dict[str, int] = {}
    for file in paths.nodes.glob("*/index"):
        with contextlib.suppress(OSError, ValueError):
            found[file.parent.name] = int(file.read_text())
    return found


def is_running(paths: Paths, name: str) -> bool:
    """Whether every process of the node is running."""
    pidfiles = (components.pidfile(paths, name, c) for c in components.COMPONENTS)
    return all(daemons.find_running(file) for file in pidfiles)


def _spec_file(paths: Paths, name: str) -> Path:
    return paths.node(name) / "spec.json"


def claim_index(paths: Paths, name: str) -> int:
    """The node's index: the one it already has, or the lowest free one.

    Raises:
        ClusterError: every index is in use.
    """
    with locks.node_table(paths):
        taken = indexes(paths)
        if name in taken:
            return taken[name]
        free = set(range(topology.MAX_NODES)) - set(taken.values())
        if not free:
            raise ClusterError(
                f"no free node address: the cluster has at most {topology.MAX_NODES} nodes"
            )
        folder = paths.node(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index").write_text(str(min(free)))
        return min(free)


def _last_heartbeat(paths: Paths, name: str) -> str | None:
    """When the node last reported its Ready condition; None if it never did."""
    with contextlib.suppress(kube_api.ApiError):
        node = kube_api.KubeApi(paths.pki).get(f"/api/v1/nodes/{name}")
        return kube_api.condition(node, "Ready").get("lastHeartbeatTime")
    return None


def _join(paths: Paths, spec: NodeSpec, heartbeat: str | None) -> None:
    """Wait until the node reports Ready after `heartbeat`, then add what a kubelet may not set.

    A Ready condition from before a restart proves nothing, so an older heartbeat does not count.
    """
    api, path = kube_api.KubeApi(paths.pki), f"/api/v1/nodes/{spec.name}"

    def is_ready() -> bool:
        with contextlib.suppress(kube_api.ApiError):
            ready = kube_api.condition(api.get(path), "Ready")
            return ready["status"] == "True" and ready.get("lastHeartbeatTime") != heartbeat
        return False

    if not waiting.until(is_ready, _READY_TIMEOUT_SECONDS, interval=0.1):
        log = daemons.tail(components.log(paths, spec.name, "kubelet"))
        raise StartFailed(
            f"node {spec.name} is not Ready after {_READY_TIMEOUT_SECONDS:.0f} s:\n{log}"
        )
    _, restricted = split_labels(spec.all_labels)
    if restricted:
        api.merge(path, {"metadata": {"labels": restricted}})
    if spec.gpus:
        # There is no device plugin, so the capacity is written to the status by hand.
        gpus = {"nvidia.com/gpu": str(spec.gpus)}
        api.merge(f"{path}/status", {"status": {"capacity": gpus, "allocatable": gpus}})


def _remove(paths: Paths, name: str, index: int) -> None:
    group = topology.cgroup(name)
    for component in reversed(components.COMPONENTS):
        daemons.stop(components.pidfile(paths, name, component), grace=0)
    cgroups.kill(group)
    mounts.remove_tree(paths.node_run(index))
    network.remove_node(name, index)
    cgroups.remove(group)
    for leftover in (*paths.pki.glob(f"kubelet-{name}.*"), *leftovers.log_links(paths.node(name))):
        leftover.unlink(missing_ok=True)
    # Last: the index in this folder is the record that the node still has to be removed.
    mounts.remove_tree(paths.node(name))
