"""The rows of a dataset, each with the shape that it is read in."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.data_rows import read_data_rows
from tuner.layout.layout import SplitFile
from tuner.rows.row import Row
from tuner.shapes.detection import find_shape
from tuner.shapes.found_shape import FoundShape

logger = logging.getLogger(__name__)

# Enough to tell the shape of a file.
SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True)
class ShapedRow:
    """A row of `file`, to be read in `shape`. The files in an archive have a shape each."""

    file: SplitFile
    shape: FoundShape
    row: Row


def read_shaped_rows(
    files: Iterable[SplitFile],
    directory: Path,
    config: DatasetConfig,
    *,
    max_bytes: int | None = None,
) -> Iterator[ShapedRow]:
    """All rows of `files`, which are in `directory`. At most `SAMPLE_ROWS` are held at a time.

    Args:
        max_bytes: how much a file may unpack to; None where an earlier pass has counted it.

    Raises:
        RunError: DATA_UNREADABLE, DATA_TOO_LARGE, DATA_COLUMN_MISSING, DATA_EMPTY or
            CONFIG_INVALID.
    """
    for file in files:
        rows = read_data_rows(directory, file, config, max_bytes=max_bytes)
        is_empty = True
        for name, members in groupby(rows, key=lambda row: row.file):
            is_empty = False
            sample = list(islice(members, SAMPLE_ROWS))
            shape = find_shape(name, sample, config)
            logger.info("%s", shape.choice)
            for row in chain(sample, members):
                yield ShapedRow(file, shape, row)
        if is_empty:
            find_shape(file.name, [], config)
