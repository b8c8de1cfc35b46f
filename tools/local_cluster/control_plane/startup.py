"""Starts the control plane and its add-ons on a clean machine."""

from collections.abc import Callable

from tools.local_cluster import topology
from tools.local_cluster.addons import dns, issuer_discovery, oci_images, registry
from tools.local_cluster.control_plane import components as commands
from tools.local_cluster.control_plane.kube_api import KubeApi
from tools.local_cluster.errors import StartFailed
from tools.local_cluster.host import network, resolver
from tools.local_cluster.paths import Paths
from tools.local_cluster.pki import certificates, kubeconfig
from tools.local_cluster.processes import cgroups, daemons, waiting
from tools.local_cluster.progress import Progress

_KUBECONFIGS = {
    "admin": "kubeconfig",
    "controller-manager": "config/controller-manager.kubeconfig",
    "scheduler": "config/scheduler.kubeconfig",
    "kube-proxy": "config/kube-proxy.kubeconfig",
    "coredns": "config/coredns.kubeconfig",
}


def start(paths: Paths, progress: Progress) -> None:
    """Start everything but nodes, in six steps.

    Raises:
        StartFailed: a component did not become ready in time.
    """
    with progress.step("certificates and configuration"):
        certificates.create_all(paths.pki)
        _write_configuration(paths)
    with progress.step("network"):
        network.up()
        cgroups.create(commands.GROUP)
    with progress.step("registry"):
        for daemon in registry.daemons(paths):
            daemons.start(daemon)
        _await("registry", paths, lambda: registry.is_ready(topology.REGISTRY_PORT))
        _push_pause_image(paths)
    with progress.step("etcd and API server"):
        daemons.start(commands.etcd(paths))
        daemons.start(commands.apiserver(paths))
        _await("kube-apiserver", paths, lambda: KubeApi(paths.pki).is_ready())
    with progress.step("controllers, scheduler and kube-proxy"):
        for render in _CLIENTS:
            daemons.start(render(paths))
    with progress.step("DNS"):
        for path, manifest in {**dns.manifests(), **issuer_discovery.manifests()}.items():
            KubeApi(paths.pki).apply(path, manifest)
        daemons.start(dns.daemon(paths))
        _await("coredns", paths, dns.is_ready)


_CLIENTS: tuple[Callable[[Paths], daemons.Daemon], ...] = (
    commands.controller_manager,
    commands.scheduler,
    commands.host_proxy,
)


def _write_configuration(paths: Paths) -> None:
    paths.config.mkdir(parents=True, exist_ok=True)
    for user, file in _KUBECONFIGS.items():
        kubeconfig.write(paths.home / file, paths.pki, user)
    for path, text in commands.configuration(paths).items():
        path.write_text(text)
    for name, text in registry.configuration(paths).items():
        (paths.config / name).write_text(text)
    (paths.config / "Corefile").write_text(dns.corefile(paths, resolver.find()))


def _push_pause_image(paths: Paths) -> None:
    program = (paths.bin / "catatonit").read_bytes()
    image = oci_images.from_program("pause", program, ["-P"])
    oci_images.push(image, topology.PAUSE_REPOSITORY, topology.PAUSE_TAG)


def _await(name: str, paths: Paths, is_ready: Callable[[], bool], timeout: float = 90) -> None:
    """Wait until a component is ready; stop waiting when its process ends."""
    pidfile, log = paths.pids / f"{name}.json", paths.log / f"{name}.log"
    waiting.until(lambda: is_ready() or daemons.find_running(pidfile) is None, timeout)
    if not is_ready():
        raise StartFailed(f"{name} did not become ready; the end of {log}:\n{daemons.tail(log)}")
