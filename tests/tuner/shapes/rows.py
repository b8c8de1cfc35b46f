"""Rows for the tests of shapes."""

from typing import Any

import pytest

from kaito_training.sections import DatasetConfig
from tuner.rows.record import Record
from tuner.rows.row import LossCause, Row, RowFault
from tuner.shapes.detection import find_shape
from tuner.shapes.shape import Shape

USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Hello"}
SYSTEM = {"role": "system", "content": "Be brief."}


def rows(*values: dict[str, Any]) -> list[Row]:
    """The rows of a file of lines."""
    return [Row("data.jsonl", number, row) for number, row in enumerate(values, start=1)]


def shape_of(*values: dict[str, Any], **config: Any) -> Shape:
    """The shape of a file with these rows."""
    return find_shape("data.jsonl", rows(*values), DatasetConfig(**config))


def record_of(values: dict[str, Any], **config: Any) -> Record:
    """What the only row of a file teaches."""
    return shape_of(values, **config).to_record(rows(values)[0])


def check_fault(first: dict[str, Any], row: dict[str, Any], cause: LossCause, detail: str) -> None:
    """Check that `row` has the fault, in a file whose first row is `first`."""
    with pytest.raises(RowFault) as caught:
        shape_of(first).to_record(rows(row)[0])
    assert caught.value.cause is cause
    assert detail in caught.value.detail
