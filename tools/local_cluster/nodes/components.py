"""Writes a node's configuration and starts its three processes in its network namespace."""

import shutil
from pathlib import Path
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.addons import kube_proxy
from tools.local_cluster.errors import StartFailed
from tools.local_cluster.host import resolver
from tools.local_cluster.nodes import config_files, containerd, kubelet
from tools.local_cluster.nodes.spec import NodeSpec
from tools.local_cluster.paths import Paths
from tools.local_cluster.pki import certificates, kubeconfig
from tools.local_cluster.processes import cgroups, daemons, sockets, waiting

COMPONENTS: Final = ("containerd", "kubelet", "kube-proxy")
_DAEMONS: Final = "daemons"
_SOCKET_TIMEOUT_SECONDS: Final = 20.0


def pidfile(paths: Paths, node: str, component: str) -> Path:
    return paths.pids / f"{node}.{component}.json"


def log(paths: Paths, node: str, component: str) -> Path:
    return paths.node(node) / "log" / f"{component}.log"


def start(paths: Paths, spec: NodeSpec, index: int) -> None:
    """Start the node's processes that are not running, containerd first.

    Raises:
        StartFailed: a process ended immediately, or containerd does not answer in time.
    """
    cgroups.create(f"{topology.cgroup(spec.name)}/{_DAEMONS}")
    folders = _containerd_folders(paths, spec.name, index)
    _write_containerd(folders, index)
    config = str(folders.config / "containerd.toml")
    _start(paths, spec, "containerd", [str(paths.bin / "containerd"), "--config", config])
    if not waiting.until(lambda: sockets.answers(folders.socket), _SOCKET_TIMEOUT_SECONDS):
        lines = daemons.tail(log(paths, spec.name, "containerd"))
        raise StartFailed(f"containerd of node {spec.name} does not answer:\n{lines}")
    _start(paths, spec, "kubelet", _kubelet(paths, spec, index, folders.socket))
    _start(paths, spec, "kube-proxy", _proxy(paths, spec))


def _start(paths: Paths, spec: NodeSpec, component: str, argv: list[str]) -> None:
    daemons.start(
        daemons.Daemon(
            name=f"{component} of {spec.name}",
            argv=argv,
            log=log(paths, spec.name, component),
            pidfile=pidfile(paths, spec.name, component),
            group=f"{topology.cgroup(spec.name)}/{_DAEMONS}",
            netns=topology.netns(spec.name),
        )
    )


def _containerd_folders(paths: Paths, node: str, index: int) -> containerd.Folders:
    return containerd.Folders(
        root=paths.node(node) / "containerd",
        state=paths.node_run(index),
        config=paths.node(node) / "config",
        binaries=paths.bin,
        runc=shutil.which("runc") or "runc",
    )


def _write_containerd(folders: containerd.Folders, index: int) -> None:
    texts = {
        "containerd.toml": containerd.render(folders),
        "cni/10-kaito.conflist": containerd.network(index, folders.root / "addresses"),
    }
    # Both names lead to the open port: as in a cloud, the node's identity is enough to pull.
    for registry in (topology.REGISTRY, topology.LOGIN_REGISTRY):
        text = containerd.hosts(f"http://{topology.REGISTRY}")
        texts[f"registries/{registry}/hosts.toml"] = text
    for name, text in texts.items():
        config_files.write_if_changed(folders.config / name, text)


def _kubelet(paths: Paths, spec: NodeSpec, index: int, socket: Path) -> list[str]:
    address, folder = topology.node_address(index), paths.node(spec.name)
    certificate = certificates.kubelet_certificate(spec.name, address)
    settings = kubelet.Settings(
        node=spec.name,
        address=address,
        provider_id=spec.provider_id,
        taints=spec.taints,
        root=folder / "kubelet",
        socket=socket,
        tls=certificates.create(paths.pki, certificate),
        authority=certificates.pair(paths.pki, certificates.CA).cert,
        resolver=resolver.find(),
    )
    config = folder / "config" / "kubelet.json"
    config_files.write_if_changed(config, kubelet.render(settings))
    client = kubeconfig.write(folder / "config" / "kubelet.kubeconfig", paths.pki, certificate.name)
    labels, _ = kubelet.split_labels(spec.all_labels)
    return [str(paths.bin / "kubelet"), *kubelet.flags(config, client, settings, labels)]


def _proxy(paths: Paths, spec: NodeSpec) -> list[str]:
    config = paths.node(spec.name) / "config" / "kube-proxy.json"
    config_files.write_if_changed(
        config, kube_proxy.render(paths.config / "kube-proxy.kubeconfig", spec.name)
    )
    return [str(paths.bin / "kube-proxy"), f"--config={config}"]
