"""Inspects this machine: user, programs, kernel, sockets and routes. `preflight` judges them."""

import ipaddress
import json
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import cgroups
from tools.local_cluster.processes.commands import attempt, run

PROGRAMS: Final = ("ip", "nsenter", "setsid", "umount", "sysctl", "openssl", "nft", "runc")
BINARIES: Final = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "containerd",
    "containerd-shim-runc-v2",
    "bridge",
    "host-local",
    "portmap",
    "coredns",
    "docker-registry",
    "catatonit",
)
_NAMESPACES: Final = ("net", "mnt", "pid", "ipc", "uts")
# TCP_LISTEN in the state column of /proc/net/tcp.
_LISTENING: Final = "0A"


@dataclass(frozen=True, slots=True)
class Socket:
    """An address that a program listens on; `0.0.0.0` means every address."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Route:
    """A destination prefix and the interface that it leads to."""

    destination: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the cluster needs to know about the machine."""

    system: str
    user: int
    missing_programs: tuple[str, ...] = ()
    missing_binaries: tuple[str, ...] = ()
    missing_features: tuple[str, ...] = ()
    home_filesystem: str = ""
    listening: tuple[Socket, ...] = ()
    routes: tuple[Route, ...] = ()


def inspect(paths: Paths) -> Machine:
    """The current state of this machine."""
    return Machine(
        system=platform.system(),
        user=os.geteuid(),
        missing_programs=tuple(p for p in PROGRAMS if not shutil.which(p)),
        missing_binaries=tuple(b for b in BINARIES if not (paths.bin / b).exists()),
        missing_features=tuple(_missing_features()),
        home_filesystem=_filesystem(paths.home),
        listening=_listening(),
        routes=_routes(),
    )


def _missing_features() -> Iterator[str]:
    if not _has_overlay() and not (attempt("modprobe", "overlay") and _has_overlay()):
        yield "overlay file systems"
    if not cgroups.hierarchies():
        yield "control groups below /sys/fs/cgroup"
    for name in _NAMESPACES:
        if not Path(f"/proc/self/ns/{name}").exists():
            yield f"{name} namespaces"


def _has_overlay() -> bool:
    return "overlay" in Path("/proc/filesystems").read_text().split()


def _filesystem(folder: Path) -> str:
    """The type of the file system that holds the folder, or will hold it."""
    existing = next(f for f in (folder, *folder.parents) if f.exists())
    return run("stat", "--file-system", "--format=%T", str(existing)).strip()


def _listening() -> tuple[Socket, ...]:
    tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    return tuple(s for t in tables if t.exists() for s in listening_sockets(t.read_text()))


def listening_sockets(table: str) -> list[Socket]:
    """The listening sockets in /proc/net/tcp or tcp6; of IPv6 only those on all addresses."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        address, _, port = fields[1].partition(":")
        if fields[3] != _LISTENING or (len(address) > 8 and int(address, 16)):
            continue
        octets = bytes.fromhex(address[:8])[::-1]
        found.append(Socket(str(ipaddress.IPv4Address(octets)), int(port, 16)))
    return found


def _routes() -> tuple[Route, ...]:
    if not shutil.which("ip"):
        return ()
    listed = json.loads(run("ip", "-json", "-4", "route", "show") or "[]")
    return tuple(Route(r["dst"], r.get("dev", "")) for r in listed)
