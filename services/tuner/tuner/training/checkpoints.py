"""Checkpoints that a killed trainer goes on from: when to write one, and which can be trusted.

The trainer writes a checkpoint as a folder of files, one after the other; a marker written last
lists them with their digests. A folder whose marker is missing or wrong is not a checkpoint.
"""

import json
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tuner.data.dataset import file_sha256

logger = logging.getLogger(__name__)

MARKER = "kaito-complete.json"
PREFIX = "checkpoint-"
# Writing may cost this part of the time at most.
COST = 0.02


@dataclass(frozen=True, slots=True)
class Cadence:
    """When the last checkpoint was complete, what it cost, and the shortest interval (seconds).

    Checkpoints follow the clock, whatever save_strategy says: what a kill may cost is time.
    """

    shortest: float
    last: float
    cost: float = 0.0

    def due(self, now: float) -> bool:
        """True when the next checkpoint should be written."""
        return now - self.last >= max(self.shortest, self.cost / COST)


def mark_complete(folder: Path, fingerprint: str) -> None:
    """Declares the checkpoint in `folder` complete, for the run with that fingerprint."""
    files = {name: file_sha256(folder / name) for name in _files(folder)}
    part = folder / f"{MARKER}.part"
    with part.open("w") as file:
        json.dump({"fingerprint": fingerprint, "files": files}, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / MARKER)


def newest_complete(directory: Path, fingerprint: str) -> Path | None:
    """The newest checkpoint below `directory` that training can go on from. Removes the others
    that are newer: they are broken, or of another run, and the trainer would trip over them."""
    for folder in sorted(directory.glob(f"{PREFIX}*"), key=step_of, reverse=True):
        if _trusted(folder, fingerprint):
            return folder
        logger.warning("checkpoint %s is incomplete or of another run; removed", folder.name)
        shutil.rmtree(folder)
    return None


def step_of(folder: Path) -> int:
    """The step that the checkpoint in `folder` was taken at; -1 when the name tells none."""
    number = folder.name.removeprefix(PREFIX)
    return int(number) if number.isdigit() else -1


def _trusted(folder: Path, fingerprint: str) -> bool:
    try:
        marker = json.loads((folder / MARKER).read_bytes())
        return bool(
            marker["fingerprint"] == fingerprint
            and all(
                file_sha256(folder / name) == digest for name, digest in marker["files"].items()
            )
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _files(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(MARKER)
    )
