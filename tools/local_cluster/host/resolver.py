"""Finds the name servers for names outside the cluster."""

from pathlib import Path
from typing import Final

_SYSTEMD: Final = Path("/run/systemd/resolve/resolv.conf")
_USUAL: Final = Path("/etc/resolv.conf")


def nameservers(text: str) -> list[str]:
    """The name servers listed in a resolv.conf."""
    lines = (line.split() for line in text.splitlines())
    return [fields[1] for fields in lines if len(fields) > 1 and fields[0] == "nameserver"]


def find(candidates: tuple[Path, ...] = (_SYSTEMD, _USUAL)) -> Path | None:
    """The first resolv.conf that lists a server.

    systemd's file comes first: with systemd-resolved, the usual one points to a stub on loopback,
    which a node's network namespace cannot reach.
    """
    for path in candidates:
        if path.exists() and nameservers(path.read_text()):
            return path
    return None
