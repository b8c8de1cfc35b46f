"""Decides whether a machine can run the cluster; each problem comes with its remedy. Pure."""

from ipaddress import IPv4Network
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.host.machine import Machine, Route, Socket

_LOOPBACK: Final = "127.0.0.1"
_SOCKETS: Final = {
    "etcd": Socket(_LOOPBACK, topology.ETCD_PORT),
    "etcd peers": Socket(_LOOPBACK, topology.ETCD_PEER_PORT),
    "kube-controller-manager": Socket(_LOOPBACK, topology.CONTROLLER_MANAGER_PORT),
    "kube-scheduler": Socket(_LOOPBACK, topology.SCHEDULER_PORT),
    "kube-proxy": Socket(_LOOPBACK, topology.PROXY_HEALTH_PORT),
    "kube-proxy metrics": Socket(_LOOPBACK, topology.PROXY_METRICS_PORT),
    "kube-apiserver": Socket(topology.HOST, topology.API_PORT),
    "registry": Socket(topology.HOST, topology.REGISTRY_PORT),
    "login registry": Socket(topology.HOST, topology.LOGIN_REGISTRY_PORT),
    "DNS": Socket(topology.HOST, topology.DNS_PORT),
    "DNS readiness": Socket(topology.HOST, topology.DNS_READY_PORT),
}
_RANGES: Final = tuple(
    IPv4Network(r) for r in (topology.NODE_RANGE, topology.POD_RANGE, topology.SERVICE_RANGE)
)
_BUILD: Final = "run `python -m tools.local_cluster build`"


def problems(machine: Machine) -> list[str]:
    """Every problem; empty when the cluster can start."""
    return rights(machine.system, machine.user) or [
        *_missing_requirements(machine),
        *_conflicts(machine),
    ]


def rights(system: str, user: int) -> list[str]:
    """Problems of the operating system and the user, which make every other check pointless."""
    if system != "Linux":
        return [
            f"the local cluster needs Linux, but this is {system}: run it in a Linux virtual "
            "machine, or use your own cluster with KUBECONFIG or --context"
        ]
    if user != 0:
        return ["network namespaces and containers need root: run the command with `sudo -E`"]
    return []


def _missing_requirements(machine: Machine) -> list[str]:
    found = []
    if machine.missing_programs:
        found.append(f"programs are missing: {', '.join(machine.missing_programs)}: {_BUILD}")
    if machine.missing_binaries:
        found.append(f"not built yet: {', '.join(machine.missing_binaries)}: {_BUILD}")
    if machine.missing_features:
        features = ", ".join(machine.missing_features)
        found.append(f"the kernel does not support {features}: boot one that can run containers")
    if machine.home_filesystem == "overlayfs":
        found.append(
            "KAITO_HOME is on an overlay file system, which cannot hold container layers: choose "
            "a folder on ext4 or xfs (in a container: a volume)"
        )
    return found


def _conflicts(machine: Machine) -> list[str]:
    taken = [
        f"port {wanted.address}:{wanted.port} ({component}) is in use: stop the program that "
        f"listens there (find it with `ss -ltnp sport = :{wanted.port}`)"
        for component, wanted in _SOCKETS.items()
        if any(_is_same(wanted, other) for other in machine.listening)
    ]
    routed = [
        f"the route {route.destination} via {route.device} overlaps the cluster's addresses "
        f"({', '.join(map(str, _RANGES))}): remove it while the cluster is running"
        for route in machine.routes
        if _overlaps(route)
    ]
    return [*taken, *routed]


def _is_same(wanted: Socket, other: Socket) -> bool:
    return other.port == wanted.port and other.address in (wanted.address, "0.0.0.0")


def _overlaps(route: Route) -> bool:
    if route.destination == "default":
        return False
    return any(IPv4Network(route.destination).overlaps(r) for r in _RANGES)
