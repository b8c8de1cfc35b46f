"""The cluster as a whole: brought up, looked at, taken down."""

import contextlib
import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from tools.local_cluster import (
    certs,
    cgroups,
    control_plane,
    dns,
    images,
    kubeapi,
    kubeconfig,
    leftovers,
    mounts,
    network,
    nodes,
    preflight,
    processes,
    registry,
    resolver,
    topology,
    waiting,
)
from tools.local_cluster.errors import PreflightFailed, StartFailed
from tools.local_cluster.node_spec import system_node
from tools.local_cluster.paths import Paths
from tools.local_cluster.progress import Progress

_KUBECONFIGS = {
    "admin": "kubeconfig",
    "controller-manager": "config/controller-manager.kubeconfig",
    "scheduler": "config/scheduler.kubeconfig",
    "kube-proxy": "config/kube-proxy.kubeconfig",
    "coredns": "config/coredns.kubeconfig",
}


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
    components = {name: _pid(paths, name) for name in control_plane.COMPONENTS}
    ready = components["kube-apiserver"] is not None and kubeapi.KubeApi(paths.pki).is_ready()
    running = {name: nodes.is_running(paths, name) for name in nodes.names(paths)}
    return Status(ready, components, running)


def _pid(paths: Paths, name: str) -> int | None:
    identity = processes.recall(paths.pids / f"{name}.json")
    return identity.pid if identity else None


def up(paths: Paths, *, with_node: bool = True) -> None:
    """Brings the cluster up, with its system node; does nothing where it is up and healthy.

    Dead nodes of a living control plane are started again. Where the control plane itself is not
    whole (killed, rebooted), all is cleaned away first: the cluster's objects are lost, the
    registry's images are kept.
    """
    _require(preflight.rights(platform.system(), os.geteuid()))
    before = status(paths)
    if before.is_controlled:
        _repair(paths, before, with_node)
        print(f"the cluster is up: KUBECONFIG={paths.kubeconfig}")
        return
    progress = Progress(steps=8 if with_node else 7)
    with progress.step("clean up what an earlier cluster left"):
        clean(paths)
    _require(preflight.problems(preflight.inspect(paths)))
    _start(paths, progress)
    if with_node:
        with progress.step(f"node {topology.SYSTEM_NODE}"):
            nodes.add(system_node(), paths)
    print(f"the cluster is up after {progress.total():.1f} s: KUBECONFIG={paths.kubeconfig}")


def _repair(paths: Paths, before: Status, with_node: bool) -> None:
    dead = [name for name, runs in before.nodes.items() if not runs]
    new = [system_node()] if with_node and topology.SYSTEM_NODE not in before.nodes else []
    progress = Progress(steps=len(dead) + len(new))
    for name in dead:
        with progress.step(f"start node {name} again"):
            nodes.revive(name, paths)
    for spec in new:
        with progress.step(f"node {spec.name}"):
            nodes.add(spec, paths)


def _require(problems: list[str]) -> None:
    if problems:
        raise PreflightFailed("this machine cannot run the cluster:\n- " + "\n- ".join(problems))


def _start(paths: Paths, progress: Progress) -> None:
    api = kubeapi.KubeApi
    with progress.step("certificates and configuration"):
        certs.create_all(paths.pki)
        _write_configuration(paths)
    with progress.step("network"):
        network.up()
        cgroups.create(control_plane.GROUP)
    with progress.step("registry"):
        for command in registry.commands(paths):
            processes.start(command)
        _await("registry", paths, lambda: registry.is_ready(topology.REGISTRY_PORT))
        _push_pause_image(paths)
    with progress.step("etcd and API server"):
        processes.start(control_plane.etcd(paths))
        processes.start(control_plane.apiserver(paths))
        _await("kube-apiserver", paths, lambda: api(paths.pki).is_ready())
    with progress.step("controllers, scheduler, proxy"):
        for render in _CLIENTS:
            processes.start(render(paths))
    with progress.step("DNS"):
        for path, manifest in {**dns.manifests(), **_discovery()}.items():
            api(paths.pki).apply(path, manifest)
        processes.start(dns.command(paths))
        _await("coredns", paths, dns.is_ready)


_CLIENTS: tuple[Callable[[Paths], processes.Command], ...] = (
    control_plane.controller_manager,
    control_plane.scheduler,
    control_plane.host_proxy,
)


def _write_configuration(paths: Paths) -> None:
    paths.config.mkdir(parents=True, exist_ok=True)
    for user, place in _KUBECONFIGS.items():
        kubeconfig.write(paths.home / place, paths.pki, user)
    for path, text in control_plane.configuration(paths).items():
        path.write_text(text)
    for name, text in registry.configuration(paths).items():
        (paths.config / name).write_text(text)
    (paths.config / "Corefile").write_text(dns.corefile(paths, resolver.find()))


def _push_pause_image(paths: Paths) -> None:
    program = (paths.bin / "catatonit").read_bytes()
    image = images.from_program("pause", program, ["-P"])
    images.push(image, topology.PAUSE_REPOSITORY, topology.PAUSE_TAG)


def _discovery() -> dict[str, dict[str, object]]:
    """Lets everybody read the keys of service account tokens, as a cloud's issuer does."""
    group, name = "rbac.authorization.k8s.io", "kaito-local:issuer-discovery"
    role = "system:service-account-issuer-discovery"
    return {
        f"/apis/{group}/v1/clusterrolebindings/{name}": {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"apiGroup": group, "kind": "Group", "name": "system:unauthenticated"}],
        }
    }


def _await(name: str, paths: Paths, is_ready: Callable[[], bool], timeout: float = 90) -> None:
    """Waits for a component, no longer than its process lives."""
    pidfile, log = paths.pids / f"{name}.json", paths.log / f"{name}.log"
    waiting.until(lambda: is_ready() or processes.recall(pidfile) is None, timeout)
    if not is_ready():
        raise StartFailed(f"{name} is not ready; the end of {log}:\n{processes.tail(log)}")


def down(paths: Paths, *, purge: bool = False) -> None:
    """Takes the cluster away; the registry's images stay, unless `purge`."""
    _require(preflight.rights(platform.system(), os.geteuid()))
    progress = Progress(steps=1)
    with progress.step("take the cluster down"):
        clean(paths)
        if purge and paths.registry.exists():
            shutil.rmtree(paths.registry)


def clean(paths: Paths) -> None:
    """Removes every trace of a cluster, whole, half dead or left by a reboot."""
    for name in nodes.names(paths):
        nodes.remove(name, paths)
    for name in reversed(control_plane.COMPONENTS):
        processes.stop(paths.pids / f"{name}.json", grace=2)
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
