"""The cluster as a whole: up, status, down."""

import contextlib
import os
import platform
import shutil
from dataclasses import dataclass

from tools.local_cluster import locks, topology
from tools.local_cluster.control_plane import kube_api, startup
from tools.local_cluster.control_plane.components import COMPONENTS
from tools.local_cluster.errors import PreflightFailed
from tools.local_cluster.host import leftovers, machine, mounts, network, preflight
from tools.local_cluster.nodes import lifecycle
from tools.local_cluster.nodes.spec import system_node
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import cgroups, daemons, waiting
from tools.local_cluster.progress import Progress

# A busy API server can fail a readiness probe; `up` rebuilds the cluster only after this time.
_SETTLE_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Status:
    """Process ids by component (None when it is down), and whether each node's processes run."""

    api_ready: bool
    components: dict[str, int | None]
    nodes: dict[str, bool]

    @property
    def is_control_plane_healthy(self) -> bool:
        """Whether every control plane component runs and the API server is ready."""
        return self.api_ready and all(self.components.values())

    @property
    def is_healthy(self) -> bool:
        return self.is_control_plane_healthy and all(self.nodes.values())


def status(paths: Paths) -> Status:
    components = {name: _pid(paths, name) for name in COMPONENTS}
    ready = components["kube-apiserver"] is not None and kube_api.KubeApi(paths.pki).is_ready()
    running = {name: lifecycle.is_running(paths, name) for name in lifecycle.indexes(paths)}
    return Status(ready, components, running)


def _pid(paths: Paths, name: str) -> int | None:
    identity = daemons.find_running(paths.pids / f"{name}.json")
    return identity.pid if identity else None


def up(paths: Paths, *, with_node: bool = True) -> None:
    """Start the cluster and its system node; no effect when it is up and healthy.

    If the control plane is healthy, dead nodes are restarted. If it is not (killed, rebooted),
    everything is cleaned up first: the cluster's objects are lost, the registry's images are kept.

    Raises:
        PreflightFailed: this machine cannot run the cluster.
        StartFailed: a component did not become ready in time.
    """
    _require(preflight.rights(platform.system(), os.geteuid()))
    with locks.whole_cluster(paths):
        _up(paths, with_node)


def _up(paths: Paths, with_node: bool) -> None:
    before = _settled_status(paths)
    if before.is_control_plane_healthy:
        _repair(paths, before, with_node)
        print(f"the cluster is up: KUBECONFIG={paths.kubeconfig}")
        return
    progress = Progress(steps=8 if with_node else 7)
    with progress.step("clean up after an earlier cluster"):
        clean(paths)
    _require(preflight.problems(machine.inspect(paths)))
    startup.start(paths, progress)
    if with_node:
        with progress.step(f"node {topology.SYSTEM_NODE}"):
            lifecycle.start(paths, system_node())
    print(f"the cluster is up ({progress.elapsed_seconds():.1f} s): KUBECONFIG={paths.kubeconfig}")


def _settled_status(paths: Paths) -> Status:
    """The status, after a running API server had time to become ready."""
    current = Status(False, {}, {})

    def is_settled() -> bool:
        nonlocal current
        current = status(paths)
        return current.api_ready or not all(current.components.values())

    waiting.until(is_settled, _SETTLE_TIMEOUT_SECONDS)
    return current


def _repair(paths: Paths, before: Status, with_node: bool) -> None:
    dead = [name for name, is_running in before.nodes.items() if not is_running]
    new = [system_node()] if with_node and topology.SYSTEM_NODE not in before.nodes else []
    progress = Progress(steps=len(dead) + len(new))
    for name in dead:
        with progress.step(f"restart node {name}"):
            lifecycle.restart(paths, name)
    for spec in new:
        with progress.step(f"node {spec.name}"):
            lifecycle.start(paths, spec)


def _require(problems: list[str]) -> None:
    if problems:
        raise PreflightFailed("this machine cannot run the cluster:\n- " + "\n- ".join(problems))


def down(paths: Paths, *, purge: bool = False) -> None:
    """Remove the cluster. The registry's images stay unless `purge` is set."""
    _require(preflight.rights(platform.system(), os.geteuid()))
    progress = Progress(steps=1)
    with locks.whole_cluster(paths), progress.step("stop the cluster"):
        clean(paths)
        if purge and paths.registry.exists():
            shutil.rmtree(paths.registry)


def clean(paths: Paths) -> None:
    """Remove every trace of a cluster: healthy, half dead or interrupted by a reboot."""
    for name in lifecycle.indexes(paths):
        lifecycle.stop(paths, name)
    for name in reversed(COMPONENTS):
        daemons.stop(paths.pids / f"{name}.json", grace=2)
    cgroups.kill(topology.CGROUP)
    mounts.detach(paths.home)
    mounts.detach(paths.run)
    network.down()
    cgroups.remove(topology.CGROUP)
    leftovers.remove()
    for folder in (*paths.cluster_folders, paths.run):
        mounts.remove_tree(folder)
    paths.kubeconfig.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        paths.home.rmdir()
