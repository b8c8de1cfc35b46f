"""The cluster as a whole: brought up, looked at, taken down."""

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

_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Status:
    """What runs: component -> process id, or None; node -> whether its processes run."""

    api_ready: bool
    components: dict[str, int | None]
    nodes: dict[str, bool]

    @property
    def is_controlled(self) -> bool:
        """Whether the control plane is whole, whatever its nodes do."""
        return self.api_ready and all(self.components.values())

    @property
    def is_healthy(self) -> bool:
        return self.is_controlled and all(self.nodes.values())


def status(paths: Paths) -> Status:
    components = {name: _pid(paths, name) for name in COMPONENTS}
    ready = components["kube-apiserver"] is not None and kube_api.KubeApi(paths.pki).is_ready()
    running = {name: lifecycle.is_running(paths, name) for name in lifecycle.indexes(paths)}
    return Status(ready, components, running)


def _pid(paths: Paths, name: str) -> int | None:
    identity = daemons.find_running(paths.pids / f"{name}.json")
    return identity.pid if identity else None


def up(paths: Paths, *, with_node: bool = True) -> None:
    """Brings the cluster up, with its system node; does nothing where it is up and healthy.

    Dead nodes of a living control plane are started again. Where the control plane itself is not
    whole (killed, rebooted), all is cleaned away first: the cluster's objects are lost, the
    registry's images are kept.
    """
    _require(preflight.rights(platform.system(), os.geteuid()))
    with locks.whole_cluster(paths):
        _up(paths, with_node)


def _up(paths: Paths, with_node: bool) -> None:
    before = _settled(paths)
    if before.is_controlled:
        _repair(paths, before, with_node)
        print(f"the cluster is up: KUBECONFIG={paths.kubeconfig}")
        return
    progress = Progress(steps=8 if with_node else 7)
    with progress.step("clean up what an earlier cluster left"):
        clean(paths)
    _require(preflight.problems(machine.look(paths)))
    startup.control_plane(paths, progress)
    if with_node:
        with progress.step(f"node {topology.SYSTEM_NODE}"):
            lifecycle.start(paths, system_node())
    print(f"the cluster is up after {progress.total():.1f} s: KUBECONFIG={paths.kubeconfig}")


def _settled(paths: Paths) -> Status:
    """The status; an API server that runs is given time to answer before it counts as broken."""
    found = Status(False, {}, {})

    def is_settled() -> bool:
        nonlocal found
        found = status(paths)
        return found.api_ready or not all(found.components.values())

    waiting.until(is_settled, _PATIENCE)
    return found


def _repair(paths: Paths, before: Status, with_node: bool) -> None:
    dead = [name for name, runs in before.nodes.items() if not runs]
    new = [system_node()] if with_node and topology.SYSTEM_NODE not in before.nodes else []
    progress = Progress(steps=len(dead) + len(new))
    for name in dead:
        with progress.step(f"start node {name} again"):
            lifecycle.revive(paths, name)
    for spec in new:
        with progress.step(f"node {spec.name}"):
            lifecycle.start(paths, spec)


def _require(problems: list[str]) -> None:
    if problems:
        raise PreflightFailed("this machine cannot run the cluster:\n- " + "\n- ".join(problems))


def down(paths: Paths, *, purge: bool = False) -> None:
    """Takes the cluster away; the registry's images stay, unless `purge`."""
    _require(preflight.rights(platform.system(), os.geteuid()))
    progress = Progress(steps=1)
    with locks.whole_cluster(paths), progress.step("take the cluster down"):
        clean(paths)
        if purge and paths.registry.exists():
            shutil.rmtree(paths.registry)


def clean(paths: Paths) -> None:
    """Removes every trace of a cluster, whole, half dead or left by a reboot."""
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
    for folder in (*paths.of_cluster, paths.run):
        mounts.remove_tree(folder)
    paths.kubeconfig.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        paths.home.rmdir()
