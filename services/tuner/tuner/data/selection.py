"""Selects the files of a dataset that a run uses, as DatasetConfig says."""

import logging
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from kaito_training.sections import DatasetConfig
from tuner.errors import RunError
from tuner.formats.file_format import (
    COMPRESSION_SUFFIXES,
    FORMAT_SUFFIXES,
    is_data_file,
    select_data_files,
)
from tuner.layout.configurations import CARD_NAME
from tuner.layout.layout import NOT_DATA, Layout, SplitFile, SplitSelection, lay_out
from tuner.reasons import Reason

logger = logging.getLogger(__name__)


def select_files(
    where: str,
    names: Sequence[str],
    card: str,
    config: DatasetConfig,
    *,
    listed: Collection[str] = (),
    configuration: str | None = None,
) -> Layout:
    """The layout of the files `names`, found at `where`, and of which `card` is the README.md.

    The files in `listed` are named one by one and may have any suffix; see `lay_out`.
    `configuration` is chosen elsewhere, and wins over that of `config`.

    Raises:
        RunError: DATA_EMPTY, none is data; DATA_UNREADABLE, the metadata of `card` is broken; or
            CONFIG_INVALID, several configurations or splits need a choice.
    """
    chosen = [
        name for name in names if name in listed or _is_selected(name, config.dataset_extension)
    ]
    if not config.dataset_extension:
        tables = select_data_files(chosen)
        chosen = [name for name in chosen if name in listed or name in tables]
    if not chosen:
        raise RunError(
            Reason.DATA_EMPTY,
            f"{where} holds no data file ({', '.join(FORMAT_SUFFIXES)}); "
            "check tuning.input and DatasetConfig.dataset_path",
        )
    selected = SplitSelection(configuration or config.dataset_config, config.dataset_train_split)
    try:
        layout = lay_out(chosen, card, selected, listed)
    except ValueError as error:
        raise RunError(
            Reason.DATA_UNREADABLE,
            f"the metadata at the head of {where}/{CARD_NAME}, which may name configurations, "
            f"cannot be read: {error}; correct or remove it",
        ) from error
    left_out = {name: NOT_DATA for name in names if name not in chosen} | dict(layout.left_out)
    return Layout(layout.files, left_out)


def select_members(archive: SplitFile, names: Sequence[str], config: DatasetConfig) -> list[str]:
    """The files that a run reads of `archive`, which holds those with `names`.

    Of an archive to train on, they are those of its split to train on.

    Raises:
        RunError: DATA_EMPTY or CONFIG_INVALID.
    """
    data = select_data_files(names)
    if archive.split != "train" or not data:
        return data
    layout = select_files(archive.name, data, "", config)
    evaluation = {file.name: "for evaluation" for file in layout.files if file.split != "train"}
    log_left_out(Layout(layout.files, dict(layout.left_out) | evaluation))
    return [file.name for file in layout.files if file.split == "train"]


def log_left_out(layout: Layout) -> None:
    """Log by name which files are not used, and why."""
    for cause, names in layout.left_out_by_cause().items():
        logger.info("left out, %s: %s", cause, ", ".join(names))


def _is_selected(name: str, extension: str | None) -> bool:
    """True if a file of this name is data; with an `extension`, only if it has that."""
    path = PurePosixPath(name.lower())
    if not extension:
        # Markdown beside data describes it. As data it has to be asked for.
        return is_data_file(name) and path.suffix != ".md"
    suffix = f".{extension.lower().lstrip('.')}"
    uncompressed = path.with_suffix("") if path.suffix in COMPRESSION_SUFFIXES else path
    return path.name.endswith(suffix) or uncompressed.name.endswith(suffix)
