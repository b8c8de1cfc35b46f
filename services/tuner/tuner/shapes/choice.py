"""Tells which shape a file is read as, what else it could be, and what is left aside."""

from collections.abc import Sequence

from kaito_training.sections import DatasetConfig
from tuner.shapes.plain_text import TextShape
from tuner.shapes.shape import Shape
from tuner.shapes.values.columns import Columns

# Columns that are left aside are named up to this number: some files have hundreds.
_NAMED_COLUMNS = 20


def describe_choice(
    name: str, shapes: Sequence[Shape], columns: Columns, config: DatasetConfig
) -> str:
    """What the file `name` is read as, the first of `shapes`, and what is left aside."""
    chosen, *others = shapes
    sentences = [f"data file {name} is read as {_describe(chosen)}"]
    read = {column.partition(".")[0] for column in chosen.columns} | {*chosen.columns}
    alternatives = dict.fromkeys(
        _describe(other) for other in others if not read.issuperset(other.columns)
    )
    if alternatives:
        sentences.append(
            f"it could also be {' or '.join(alternatives)}: to choose, set messages_column, or "
            "context_column and response_column, of DatasetConfig"
        )
    unread = [str(column) for column in columns.names if column not in read]
    if unread:
        more = "" if len(unread) <= _NAMED_COLUMNS else ", ..."
        sentences.append(f"not read: {', '.join(unread[:_NAMED_COLUMNS])}{more}")
    if config.system_prompt and isinstance(chosen, TextShape):
        sentences.append("DatasetConfig.system_prompt has no effect on text")
    return "; ".join(sentences)


def _describe(shape: Shape) -> str:
    return f"{shape.name} ({', '.join(shape.columns)})"
