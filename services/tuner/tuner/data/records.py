"""The rows of a dataset, each with the shape that it is read in."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.row import Row
from tuner.formats.reader import read_rows
from tuner.layout.layout import SplitFile
from tuner.shapes.detection import find_shape
from tuner.shapes.shape import Shape

logger = logging.getLogger(__name__)

# Enough to tell the shape of a file.
SAMPLE_ROWS = 100


@dataclass(frozen=True, slots=True)
class ShapedRow:
    """A row of `file`, to be read in `shape`. The files in an archive have a shape each."""

    file: SplitFile
    shape: Shape
    row: Row


def read_shaped_rows(
    files: Iterable[SplitFile], directory: Path, config: DatasetConfig
) -> Iterator[ShapedRow]:
    """All rows of `files`, which are in `directory`. At most `SAMPLE_ROWS` are held at a time.

    Raises:
        RunError: DATA_UNREADABLE, DATA_TOO_LARGE, DATA_COLUMN_MISSING or DATA_EMPTY.
    """
    for file in files:
        rows = read_rows(directory / file.name, file.name)
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
