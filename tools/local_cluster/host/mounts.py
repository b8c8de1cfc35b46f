"""The mounts below a folder: listed and taken away, so that the folder can be removed safely."""

import shutil
from pathlib import Path

from tools.local_cluster.errors import ClusterError
from tools.local_cluster.processes.commands import attempt

TABLE = Path("/proc/self/mountinfo")


def below(folder: Path, table: str | None = None) -> list[Path]:
    """Mount points in and below the folder, the deepest and latest first."""
    lines = (TABLE.read_text() if table is None else table).splitlines()
    points = [_unescape(line.split()[4]) for line in lines]
    return [p for p in map(Path, reversed(points)) if p.is_relative_to(folder)]


def _unescape(text: str) -> str:
    """The kernel writes blanks and backslashes of paths as three octal digits."""
    return text.encode().decode("unicode_escape").encode("latin-1").decode()


def detach(folder: Path) -> None:
    for point in below(folder):
        attempt("umount", "--lazy", str(point))


def remove_tree(folder: Path) -> None:
    """Removes a folder; never what is mounted below it: that is detached first, or we refuse."""
    detach(folder)
    if left := below(folder):
        raise ClusterError(f"cannot unmount {', '.join(map(str, left))}; not removing {folder}")
    shutil.rmtree(folder, ignore_errors=False) if folder.exists() else None
