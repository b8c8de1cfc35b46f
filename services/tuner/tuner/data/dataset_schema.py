"""What training takes from the rows: conversations, pairs or plain text. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tuner.config.sections import DatasetConfig
from tuner.data.contents import Contents
from tuner.errors import RunError
from tuner.reasons import Reason

DEFAULT_RESPONSE = DatasetConfig().response_column


class Kind(StrEnum):
    """The three kinds of rows."""

    MESSAGES = "messages"
    PAIRS = "pairs"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Shape:
    """`columns` are one for messages and text, and (prompt, completion) for pairs."""

    kind: Kind
    columns: tuple[str, ...]


def find_shape(name: str, contents: Contents, config: DatasetConfig) -> Shape:
    """What the file called `name` is trained on.

    Errors: RunError(DATA_EMPTY | DATA_COLUMN_MISSING).
    """
    if contents.rows == 0:
        raise RunError(
            Reason.DATA_EMPTY, f"data file {name} has no rows; give a file with training examples"
        )
    shape = _named(config) or _usual(contents.columns)
    if shape is None or not set(shape.columns) <= set(contents.columns):
        wanted = shape.columns if shape else ("messages, or prompt and completion, or text",)
        raise _missing(name, contents.columns, " and ".join(wanted))
    if shape.kind is Kind.MESSAGES:
        _check_messages(name, shape.columns[0], contents.sample)
    return shape


def _named(config: DatasetConfig) -> Shape | None:
    if config.messages_column:
        return Shape(Kind.MESSAGES, (config.messages_column,))
    if config.context_column:
        return Shape(Kind.PAIRS, (config.context_column, config.response_column))
    if config.response_column != DEFAULT_RESPONSE:
        return Shape(Kind.TEXT, (config.response_column,))
    return None


def _usual(columns: Iterable[str]) -> Shape | None:
    present = set(columns)
    if "messages" in present:
        return Shape(Kind.MESSAGES, ("messages",))
    if {"prompt", "completion"} <= present:
        return Shape(Kind.PAIRS, ("prompt", "completion"))
    if DEFAULT_RESPONSE in present:
        return Shape(Kind.TEXT, (DEFAULT_RESPONSE,))
    return None


def _missing(name: str, columns: Iterable[str], wanted: str) -> RunError:
    return RunError(
        Reason.DATA_COLUMN_MISSING,
        f"data file {name} lacks the column {wanted}; it has: {', '.join(columns) or 'none'}; "
        "rename a column, or name yours in DatasetConfig (messages_column, or context_column and "
        "response_column) of training_config.yaml",
    )


def _check_messages(name: str, column: str, sample: Iterable[Mapping[str, Any]]) -> None:
    for number, row in enumerate(sample):
        value = row.get(column)
        good = isinstance(value, list) and all(_is_message(one) for one in value)
        if not good:
            raise RunError(
                Reason.DATA_COLUMN_MISSING,
                f"data file {name}, row {number}: column {column} must be a list of "
                f"{{role, content}} with texts in both, but is {value!r:.120}",
            )


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(value.get(key), str) for key in ("role", "content")
    )
