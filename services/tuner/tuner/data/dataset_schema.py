"""Which columns training reads, and in which of TRL's dataset formats. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.data.file_contents import FileContents
from tuner.errors import RunError
from tuner.reasons import Reason

DEFAULT_RESPONSE_COLUMN = DatasetConfig().response_column


class DatasetFormat(StrEnum):
    """The formats that training accepts, under TRL's names."""

    CONVERSATIONAL = "conversational"
    PROMPT_COMPLETION = "prompt-completion"
    LANGUAGE_MODELING = "language modeling"


@dataclass(frozen=True, slots=True)
class DatasetSchema:
    """`columns` are (prompt, completion) for prompt-completion data, else a single column."""

    format: DatasetFormat
    columns: tuple[str, ...]


def find_schema(name: str, contents: FileContents, config: DatasetConfig) -> DatasetSchema:
    """The schema of the file called `name`.

    Raises:
        RunError: DATA_EMPTY or DATA_COLUMN_MISSING.
    """
    if contents.rows == 0:
        raise RunError(
            Reason.DATA_EMPTY,
            f"data file {name} has no rows; provide a file with training examples",
        )
    schema = _configured(config) or _by_convention(contents.columns)
    if schema is None or not set(schema.columns) <= set(contents.columns):
        needed = schema.columns if schema else ("messages, or prompt and completion, or text",)
        raise _column_missing(name, contents.columns, " and ".join(needed))
    if schema.format is DatasetFormat.CONVERSATIONAL:
        _check_messages(name, schema.columns[0], contents.sample)
    return schema


def _configured(config: DatasetConfig) -> DatasetSchema | None:
    if config.messages_column:
        return DatasetSchema(DatasetFormat.CONVERSATIONAL, (config.messages_column,))
    if config.context_column:
        columns = (config.context_column, config.response_column)
        return DatasetSchema(DatasetFormat.PROMPT_COMPLETION, columns)
    if config.response_column != DEFAULT_RESPONSE_COLUMN:
        return DatasetSchema(DatasetFormat.LANGUAGE_MODELING, (config.response_column,))
    return None


def _by_convention(columns: Iterable[str]) -> DatasetSchema | None:
    present = set(columns)
    if "messages" in present:
        return DatasetSchema(DatasetFormat.CONVERSATIONAL, ("messages",))
    if {"prompt", "completion"} <= present:
        return DatasetSchema(DatasetFormat.PROMPT_COMPLETION, ("prompt", "completion"))
    if DEFAULT_RESPONSE_COLUMN in present:
        return DatasetSchema(DatasetFormat.LANGUAGE_MODELING, (DEFAULT_RESPONSE_COLUMN,))
    return None


def _column_missing(name: str, columns: Iterable[str], needed: str) -> RunError:
    return RunError(
        Reason.DATA_COLUMN_MISSING,
        f"data file {name} lacks the column {needed}; it has: {', '.join(columns) or 'none'}; "
        "rename a column, or name yours in DatasetConfig (messages_column, or context_column and "
        "response_column) of training_config.yaml",
    )


def _check_messages(name: str, column: str, sample: Iterable[Mapping[str, Any]]) -> None:
    for number, row in enumerate(sample):
        value = row.get(column)
        if not isinstance(value, list) or not all(_is_message(item) for item in value):
            raise RunError(
                Reason.DATA_COLUMN_MISSING,
                f"data file {name}, row {number}: column {column} must be a list of "
                f"{{role, content}} with text in both, but is {value!r:.120}",
            )


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(value.get(key), str) for key in ("role", "content")
    )
