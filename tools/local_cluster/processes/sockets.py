"""Unix sockets: whether some program answers at one."""

import socket
from pathlib import Path


def answers(path: Path) -> bool:
    """A socket's file outlives its program, so that its being there says nothing."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0
