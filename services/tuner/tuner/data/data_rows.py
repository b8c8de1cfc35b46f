"""The rows of one data file that a run reads: of an archive, those of the files it selects."""

from collections.abc import Iterator
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.selection import select_members
from tuner.formats.reader import read_rows
from tuner.layout.layout import SplitFile
from tuner.rows.row import Row


def read_data_rows(
    directory: Path,
    file: SplitFile,
    config: DatasetConfig,
    *,
    max_bytes: int | None = None,
) -> Iterator[Row]:
    """The rows of `file`, which is in `directory`. See `read_rows` for `max_bytes`.

    Raises:
        RunError: DATA_UNREADABLE, DATA_TOO_LARGE, DATA_EMPTY or CONFIG_INVALID.
    """
    return read_rows(
        directory / file.name,
        file.name,
        origin=file.origin or None,
        max_bytes=max_bytes,
        choose=lambda names: select_members(file, names, config),
    )
