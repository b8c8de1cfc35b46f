"""The mounts below a folder, and removing a folder without touching what is mounted in it."""

import shutil
from pathlib import Path

from tools.local_cluster.errors import ClusterError
from tools.local_cluster.processes.commands import attempt

TABLE = Path("/proc/self/mountinfo")


def below(folder: Path, table: str | None = None) -> list[Path]:
    """The folder's mount points, most recent first, so nested mounts precede their parents."""
    lines = (TABLE.read_text() if table is None else table).splitlines()
    points = [_unescape(line.split()[4]) for line in lines]
    return [p for p in map(Path, reversed(points)) if p.is_relative_to(folder)]


def _unescape(text: str) -> str:
    """The kernel escapes spaces and backslashes in paths as three octal digits."""
    return text.encode().decode("unicode_escape").encode("latin-1").decode()


def detach(folder: Path) -> None:
    """Unmount everything below the folder, lazily: a dead process may still hold files open."""
    for point in below(folder):
        attempt("umount", "--lazy", str(point))


def remove_tree(folder: Path) -> None:
    """Remove a folder, but never the content of a mount below it.

    Raises:
        ClusterError: something below the folder cannot be unmounted; nothing is removed.
    """
    detach(folder)
    if mounted := below(folder):
        points = ", ".join(map(str, mounted))
        raise ClusterError(f"cannot unmount {points}: unmount it by hand, then remove {folder}")
    shutil.rmtree(folder, ignore_errors=False) if folder.exists() else None
