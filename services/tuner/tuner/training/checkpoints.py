"""Checkpoints that a killed trainer resumes from, and which of them can be trusted.

The trainer writes a checkpoint as a folder of files, one after the other. A marker, written last,
lists them with their digests; a folder whose marker is missing or wrong is not a checkpoint.
"""

import json
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.file_digest import file_sha256

logger = logging.getLogger(__name__)

MARKER = "kaito-complete.json"
# As transformers.Trainer names the folders: checkpoint-<step>.
PREFIX = "checkpoint-"


def mark_complete(folder: Path, fingerprint: str, plan: Mapping[str, Any]) -> None:
    """Declare the checkpoint in `folder` complete, for the run with that fingerprint.

    `plan` is the one that the training follows.
    """
    files = {name: file_sha256(folder / name) for name in _file_names(folder)}
    part = folder / f"{MARKER}.part"
    with part.open("w") as file:
        json.dump({"fingerprint": fingerprint, "plan": plan, "files": files}, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / MARKER)


def newest_complete(directory: Path, fingerprint: str) -> Path | None:
    """The newest checkpoint below `directory` that training can resume from.

    Removes the newer ones: they are incomplete or belong to another run, and the trainer would fail
    on them.
    """
    for folder in sorted(directory.glob(f"{PREFIX}*"), key=step_of, reverse=True):
        if _is_trusted(folder, fingerprint):
            return folder
        logger.warning("removing checkpoint %s: incomplete or of another run", folder.name)
        shutil.rmtree(folder)
    return None


def newest_step(directory: Path) -> int:
    """The step of the newest checkpoint below `directory` that has its marker; -1 without one."""
    return max((step_of(path.parent) for path in directory.glob(f"*/{MARKER}")), default=-1)


def read_plan(folder: Path) -> Mapping[str, Any] | None:
    """The plan that the checkpoint in `folder` was made with; None if it names none."""
    plan: Mapping[str, Any] | None = json.loads((folder / MARKER).read_bytes()).get("plan")
    return plan


def step_of(folder: Path) -> int:
    """The step at which the checkpoint in `folder` was taken; -1 if its name has no number."""
    number = folder.name.removeprefix(PREFIX)
    return int(number) if number.isdigit() else -1


def _is_trusted(folder: Path, fingerprint: str) -> bool:
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


def _file_names(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(MARKER)
    )
