"""Finds the data files of a directory: a volume's, an image's, or fetched ones."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.config.errors import config_invalid
from tuner.data.selection import select_files
from tuner.errors import RunError
from tuner.layout.configurations import CARD_NAME
from tuner.layout.layout import Layout, SplitFile
from tuner.reasons import Reason

logger = logging.getLogger(__name__)

# Ext file systems have it at the root of a volume, for root only.
LOST_AND_FOUND = "lost+found"


def find_data_files(directory: Path, config: DatasetConfig) -> Layout:
    """The layout of the data files below `directory` that `config` selects.

    Raises:
        RunError: CONFIG_INVALID, dataset_path does not exist or leads out of `directory`, or
            several configurations or splits need a choice; DATA_EMPTY or DATA_UNREADABLE.
    """
    start = _resolve_dataset_path(directory, config.dataset_path)
    if start.is_file():
        return Layout((SplitFile(str(start.relative_to(directory)), "train"),), {})
    names = [path.relative_to(start).as_posix() for path in _walk(start, directory.resolve())]
    layout = select_files(str(start), names, _read_card(start), config)
    return _below(start.relative_to(directory), layout)


def _resolve_dataset_path(directory: Path, dataset_path: str | None) -> Path:
    if dataset_path is None:
        return directory
    # Upstream's paths are below /mnt; ours are below the data directory, /mnt/data by default.
    relative = dataset_path.removeprefix("/mnt/").removeprefix("data/").lstrip("/")
    path = (directory / relative).resolve()
    if not path.is_relative_to(directory.resolve()) or not path.exists():
        raise config_invalid(
            f"DatasetConfig.dataset_path is {dataset_path!r}, which is not in {directory}; use a "
            "path relative to it, or leave it out"
        )
    return directory / relative


def _walk(start: Path, root: Path) -> Iterator[Path]:
    """The files below `start`, sorted, without hidden ones, and without links that leave `root`.

    Links to folders are followed: the folders of a ConfigMap's volume are links to a hidden one.
    """
    seen = set()
    for folder, folders, files in os.walk(start, followlinks=True, onerror=_fail):
        path = Path(folder)
        is_new = path.resolve() not in seen and path.resolve().is_relative_to(root)
        seen.add(path.resolve())
        folders[:] = [
            name
            for name in sorted(folders)
            if is_new and not name.startswith(".") and name != LOST_AND_FOUND
        ]
        for name in sorted(files) if is_new else ():
            if name.startswith(".") or not (path / name).is_file():
                continue
            if (path / name).resolve().is_relative_to(root):
                yield path / name
            else:
                logger.warning("%s is a link to a file outside of the data: left out", path / name)


def _fail(error: OSError) -> None:
    raise RunError(
        Reason.DATA_UNREADABLE,
        f"the folder {error.filename} of the data cannot be listed: {error.strerror}; make it "
        "readable for the tuner's user",
    ) from error


def _read_card(folder: Path) -> str:
    try:
        return (folder / CARD_NAME).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _below(folder: Path, layout: Layout) -> Layout:
    """The layout with names that begin with `folder`."""
    return Layout(
        tuple(SplitFile((folder / file.name).as_posix(), file.split) for file in layout.files),
        {(folder / name).as_posix(): cause for name, cause in layout.left_out.items()},
    )
