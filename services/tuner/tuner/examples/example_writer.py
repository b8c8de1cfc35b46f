"""Writes examples to an Arrow file, which is mapped into memory when it is read."""

from array import array
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from tuner.examples.example import Example

_COLUMNS = {"input_ids": pa.list_(pa.int32()), "labels": pa.list_(pa.int32())}
# What is held in memory at a time.
_BATCH_TOKENS = 2**20


class ExampleWriter:
    """Holds one batch of examples at a time. `pairs`: they are of two answers each."""

    def __init__(self, path: Path, *, pairs: bool = False) -> None:
        self._path = path
        self._schema = pa.schema(_COLUMNS | ({"chosen": pa.int32()} if pairs else {}))
        self._pairs = pairs
        self._clear()

    def __enter__(self) -> Self:
        self._writer = pa.ipc.new_stream(self._path, self._schema)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, examples: Iterable[Example]) -> None:
        """Append `examples`."""
        for example in examples:
            self._ids.extend(example.input_ids)
            self._labels.extend(example.labels)
            self._ends.append(len(self._ids))
            self._chosen.append(example.chosen)
        if len(self._ids) >= _BATCH_TOKENS:
            self._flush()

    def _flush(self) -> None:
        ends = pa.array(np.array(self._ends))
        columns = [
            pa.ListArray.from_arrays(ends, pa.array(np.array(values)))
            for values in (self._ids, self._labels)
        ]
        if self._pairs:
            columns.append(pa.array(np.array(self._chosen, np.int32)))
        self._writer.write_batch(pa.record_batch(columns, schema=self._schema))
        self._clear()

    def _clear(self) -> None:
        self._ids, self._labels, self._ends = array("i"), array("i"), array("i", [0])
        self._chosen = array("i")
