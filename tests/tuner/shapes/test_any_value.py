"""Whatever a file holds, a row becomes a record or a fault, and a file a shape or an error."""

import random
from typing import Any

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner.shapes.public_datasets import PUBLIC_DATASETS
from tests.tuner.shapes.rows import rows
from tuner.errors import RunError
from tuner.rows.record import Completion, Conversation, Preference, Record, Text
from tuner.rows.row import RowFault
from tuner.shapes.detection import find_shape

ROWS = list(PUBLIC_DATASETS.values())
SCALARS = (None, "", " ", "a", "[]", "{}", "[1]", "null", 0, 1, -1.5, float("nan"), True, b"\xff")
KEYS = ("role", "content", "from", "value", "tool_calls", "function", "name", "type", "text")


def _value(source: random.Random, depth: int = 0) -> Any:
    """A scalar, or a list or an object of values."""
    kind = source.randrange(4 if depth < 3 else 2)
    if kind == 2:
        return [_value(source, depth + 1) for _ in range(source.randrange(3))]
    if kind == 3:
        return {source.choice(KEYS): _value(source, depth + 1) for _ in range(source.randrange(4))}
    return source.choice(SCALARS)


def _damaged(source: random.Random, value: Any) -> Any:
    """`value` with something in it replaced."""
    if isinstance(value, dict) and value and source.random() < 0.8:
        key = source.choice(list(value))
        return {**value, key: _damaged(source, value[key])}
    if isinstance(value, list) and value and source.random() < 0.8:
        index = source.randrange(len(value))
        return [*value[:index], _damaged(source, value[index]), *value[index + 1 :]]
    return _value(source)


def _texts(record: Record) -> list[str]:
    if isinstance(record, Preference):
        return [*_texts(record.chosen), *_texts(record.rejected)]
    if isinstance(record, Text):
        return [record.text]
    if isinstance(record, Completion):
        return [record.prompt, record.completion]
    return [message["content"] for message in record.messages]


@pytest.mark.parametrize("preferences", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_damaged_rows_are_records_or_faults(seed: int, preferences: bool) -> None:
    source = random.Random(seed)
    faults = 0
    good_rows = [row for row in ROWS if "chosen" in row] if preferences else ROWS
    for _ in range(100):
        good = source.choice(good_rows)
        damaged = _damaged(source, good)
        if not isinstance(damaged, dict):
            continue
        sample = rows(good, damaged)
        source.shuffle(sample)
        try:
            shape = find_shape("data.jsonl", sample, DatasetConfig(preferences=preferences))
        except RunError:
            continue
        for row in sample:
            try:
                record = shape.to_record(row)
            except RowFault as fault:
                faults += 1
                assert len(fault.detail) < 700
            else:
                assert all(isinstance(text, str) for text in _texts(record))
                if isinstance(record, Conversation):
                    assert all(record.messages[i]["role"] == "assistant" for i in record.untrained)
    assert faults
