"""The commit that a release is built from."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tools.release.errors import ReleaseError
from tools.release.programs import run

# Names of modified files in an error: enough to recognize what was forgotten.
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`committed` is the commit's time in seconds since the epoch.

    It is the only time in a release's files, so that the same commit gives the same files.
    """

    commit: str
    committed: int
    modified: bool = False

    @property
    def timestamp(self) -> str:
        """The commit's time as RFC 3339 has it, in UTC."""
        return datetime.fromtimestamp(self.committed, UTC).isoformat()


def read_source(root: Path, *, allow_modified: bool) -> Source:
    """Reads the checked-out commit.

    Raises:
        ReleaseError: there is none, or files differ from it and `allow_modified` is off.
    """
    commit, committed = run(["git", "-C", root, "log", "-1", "--format=%H %ct"]).split()
    modified = [line[3:] for line in run(["git", "-C", root, "status", "--porcelain"]).splitlines()]
    if modified and not allow_modified:
        more = ", ..." if len(modified) > _SHOWN else ""
        raise ReleaseError(
            f"files differ from commit {commit[:12]}: {', '.join(modified[:_SHOWN])}{more}: "
            "commit them, or pass --allow-modified for a trial build"
        )
    return Source(commit=commit, committed=int(committed), modified=bool(modified))
