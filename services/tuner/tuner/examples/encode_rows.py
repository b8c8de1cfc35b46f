"""Encodes the rows of a dataset and counts what becomes of them."""

from collections.abc import Iterable, Iterator

from tuner.data.records import ShapedRow
from tuner.examples.encoder import Encoder
from tuner.examples.example import Example
from tuner.examples.statistics import FileShape
from tuner.examples.tally import Tally
from tuner.rows.row import RowFault


def encode_rows(
    rows: Iterable[ShapedRow], encoder: Encoder, tally: Tally
) -> Iterator[tuple[Example, ...]]:
    """The examples of each row that has any; `tally` counts them, and the rows that are lost.

    Raises:
        RunError: a data file cannot be read, or the model cannot take such data.
    """
    for shaped in rows:
        row, shape = shaped.row, shaped.shape
        tally.losses.rows += 1
        tally.statistics.rows[row.file] += 1
        tally.statistics.shapes.setdefault(
            row.file, FileShape(shape.name, shape.columns, shape.choice)
        )
        try:
            record = shape.to_record(row)
            encoded = encoder.encode(record)
        except RowFault as fault:
            tally.lose(row, fault)
            continue
        tally.add(row, record, encoded, shaped.file)
        yield encoded.examples
