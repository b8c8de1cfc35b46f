"""Says what this machine lacks to run the cluster, before anything is started.

`Machine` holds what was looked at; `problems` judges it without looking again.
"""

import os
import platform
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.paths import Paths

PROGRAMS: Final = ("ip", "nsenter", "setsid", "umount", "sysctl", "openssl", "nft", "runc")
FILESYSTEMS: Final = ("overlay", "cgroup", "tmpfs")
BINARIES: Final = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
    "containerd",
    "containerd-shim-runc-v2",
    "bridge",
    "host-local",
    "coredns",
    "docker-registry",
    "catatonit",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What matters of this machine."""

    system: str
    architecture: str
    user: int
    missing_programs: tuple[str, ...]
    missing_binaries: tuple[str, ...]
    missing_filesystems: tuple[str, ...]
    busy_ports: Mapping[str, int]
    foreign_bridge: bool


def inspect(paths: Paths) -> Machine:
    """Looks at this machine; the ports are only of interest while no cluster runs."""
    return Machine(
        system=platform.system(),
        architecture=platform.machine(),
        user=os.geteuid(),
        missing_programs=tuple(p for p in PROGRAMS if not shutil.which(p)),
        missing_binaries=tuple(b for b in BINARIES if not (paths.bin / b).exists()),
        missing_filesystems=_missing_filesystems(),
        busy_ports={what: port for what, port in _PORTS.items() if _is_busy(port)},
        foreign_bridge=_is_foreign_bridge(),
    )


_PORTS: Final = {
    "etcd": topology.ETCD_PORT,
    "etcd's peers": topology.ETCD_PEER_PORT,
    "kube-controller-manager": topology.CONTROLLER_MANAGER_PORT,
    "kube-scheduler": topology.SCHEDULER_PORT,
    "kube-proxy": topology.PROXY_HEALTH_PORT,
    "kube-proxy's metrics": topology.PROXY_METRICS_PORT,
}


def _missing_filesystems() -> tuple[str, ...]:
    table = Path("/proc/filesystems")
    known = {line.split()[-1] for line in table.read_text().splitlines()} if table.exists() else ()
    # A module that is not loaded yet is loaded by the first mount.
    return tuple(f for f in FILESYSTEMS if f not in known and f != "overlay")


def _is_busy(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_foreign_bridge() -> bool:
    device = Path("/sys/class/net") / topology.BRIDGE
    return device.exists() and not (device / "bridge").exists()


def problems(machine: Machine) -> list[str]:
    """Each thing that is in the way, with its remedy; empty when the cluster can start."""
    return rights(machine.system, machine.user) or [*_lacks(machine), *_clashes(machine)]


def rights(system: str, user: int) -> list[str]:
    """Whether this system, and this user in it, can have a cluster at all."""
    if system != "Linux":
        return [
            f"the local cluster needs Linux, and this is {system}: run it in a Linux virtual "
            "machine, or name a cluster of your own with KUBECONFIG or --context"
        ]
    if user != 0:
        return ["network namespaces and containers need root: run it with `sudo -E`"]
    return []


def _lacks(machine: Machine) -> list[str]:
    build = "run `python -m tools.local_cluster build`"
    found = []
    if machine.missing_programs:
        found.append(f"programs are missing: {', '.join(machine.missing_programs)}: {build}")
    if machine.missing_binaries:
        found.append(f"not built yet: {', '.join(machine.missing_binaries)}: {build}")
    if machine.missing_filesystems:
        missing = ", ".join(machine.missing_filesystems)
        found.append(f"the kernel has no {missing}: start one that can run containers")
    return found


def _clashes(machine: Machine) -> list[str]:
    found = [
        f"port 127.0.0.1:{port} ({what}) is taken: stop the program that listens there "
        f"(`ss -ltnp sport = :{port}` names it)"
        for what, port in machine.busy_ports.items()
    ]
    if machine.foreign_bridge:
        found.append(f"the interface {topology.BRIDGE} is no bridge of ours: rename it")
    return found
