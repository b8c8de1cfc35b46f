"""Looks at this machine: its rights, programs, kernel, sockets and routes. Judges nothing."""

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
_LISTENING: Final = "0A"


@dataclass(frozen=True, slots=True)
class Socket:
    """An address that a program listens at; `0.0.0.0` is every address."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Route:
    """A destination, as a prefix, that leads to an interface."""

    destination: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What matters of a machine that is to run the cluster."""

    system: str
    user: int
    missing_programs: tuple[str, ...] = ()
    missing_binaries: tuple[str, ...] = ()
    missing_features: tuple[str, ...] = ()
    home_filesystem: str = ""
    listening: tuple[Socket, ...] = ()
    routes: tuple[Route, ...] = ()


def look(paths: Paths) -> Machine:
    """This machine as it is now."""
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
    """The type of the file system that the folder is or will be on."""
    there = next(f for f in (folder, *folder.parents) if f.exists())
    return run("stat", "--file-system", "--format=%T", str(there)).strip()


def _listening() -> tuple[Socket, ...]:
    tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    return tuple(s for t in tables if t.exists() for s in listening_sockets(t.read_text()))


def listening_sockets(table: str) -> list[Socket]:
    """The listening sockets of a /proc/net/tcp or tcp6; IPv6 ones only where they take all."""
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
