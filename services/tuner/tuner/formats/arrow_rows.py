"""Rows of parquet and Arrow files. Translates pyarrow's errors."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from tuner.formats.arrow_values import NotText, plain_values
from tuner.formats.byte_stream import ByteStream, seekable
from tuner.formats.label import FileLabel, human_size
from tuner.formats.limits import UnpackedBytes
from tuner.rows.row import Row

logger = logging.getLogger(__name__)
BATCH_ROWS = 128
# Names of columns are decoded by pyarrow's own Python code.
DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)
REMEDY = "write it again, or compare its size and digest with those of the original"
# Both at the beginning and at the end of a file.
PARQUET_MAGIC = b"PAR1"
ARROW_MAGIC = b"ARROW1"


def read_parquet(
    stream: ByteStream, unpacked: UnpackedBytes, scratch: Path | None
) -> Iterator[Row]:
    """The rows of a parquet file, a batch at a time."""
    label = stream.label
    with seekable(stream, scratch) as source:
        _check_end(source, PARQUET_MAGIC, "a parquet", label)
        try:
            # Without pre_buffer, and with a buffer, a column is read piece by piece.
            with pq.ParquetFile(
                source, pre_buffer=False, buffer_size=2**20, page_checksum_verification=True
            ) as file:
                yield from _rows(file.iter_batches(BATCH_ROWS), file.schema_arrow, label, unpacked)
        except DAMAGE as error:
            raise label.fault(f"is a damaged parquet file: {_detail(error)}", REMEDY) from error


def read_arrow_file(
    stream: ByteStream, unpacked: UnpackedBytes, scratch: Path | None
) -> Iterator[Row]:
    """The rows of an Arrow IPC file (Feather V2)."""
    label = stream.label
    with seekable(stream, scratch) as source:
        _check_end(source, ARROW_MAGIC, "an Arrow", label)
        try:
            with pa.ipc.open_file(source) as file:
                count = file.num_record_batches
                batches = (_checked(file.get_batch(index)) for index in range(count))
                yield from _rows(batches, file.schema, label, unpacked)
        except DAMAGE as error:
            raise label.fault(f"is a damaged Arrow file: {_detail(error)}", REMEDY) from error


def read_arrow_stream(
    stream: ByteStream, unpacked: UnpackedBytes, scratch: Path | None
) -> Iterator[Row]:
    """The rows of an Arrow IPC stream, which is what `datasets` writes."""
    label = stream.label
    try:
        with pa.ipc.open_stream(stream) as batches:
            yield from _rows(map(_checked, batches), batches.schema, label, unpacked)
    except DAMAGE as error:
        raise label.fault(f"is a damaged Arrow stream: {_detail(error)}", REMEDY) from error


def _checked(batch: Any) -> Any:
    # Offsets that a damaged or hostile file has are followed unchecked: without this, they crash.
    batch.validate(full=True)
    return batch


def _rows(
    batches: Iterable[Any], schema: Any, label: FileLabel, unpacked: UnpackedBytes
) -> Iterator[Row]:
    names = list(schema.names)
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise label.fault(
            f"has several columns of the name {', '.join(repeated)}", "rename all but one"
        )
    number = 0
    without_text: set[str] = set()
    for batch in batches:
        for start in range(0, batch.num_rows, BATCH_ROWS):
            arrays = [_decoded(array) for array in batch.slice(start, BATCH_ROWS).columns]
            # A dictionary of one long text makes terabytes of a small file.
            unpacked.add(sum(array.nbytes for array in arrays))
            columns = [
                _values(array, name, without_text, label)
                for array, name in zip(arrays, names, strict=True)
            ]
            for values in zip(*columns, strict=True):
                number += 1
                yield Row(label.name, number, dict(zip(names, values, strict=True)))


def _decoded(array: Any) -> Any:
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def _values(column: Any, name: str, without_text: set[str], label: FileLabel) -> Sequence[Any]:
    if name not in without_text:
        try:
            return plain_values(column, name, label)
        except NotText:
            without_text.add(name)
            logger.warning("%s: column %s holds bytes that are not text; ignored", label, name)
    return [None] * len(column)


def _detail(error: Exception) -> str:
    return str(error).rstrip(". \n")


def _check_end(source: Any, magic: bytes, kind: str, label: FileLabel) -> None:
    size = source.seek(0, 2)
    source.seek(max(0, size - len(magic)))
    end = source.read(len(magic))
    source.seek(0)
    if size <= 2 * len(magic) or end != magic:
        raise label.fault(
            f"is {kind} file without its end: {human_size(size)} are there, and the rest, with the "
            "schema, is missing",
            "the download or the copy was cut off; compare its size with that of the original, and "
            "provide it again",
        )
