"""Tells which shape a file is read as, what else it could be, and what is left aside."""

from collections.abc import Sequence

from tuner.shapes.columns import Columns
from tuner.shapes.shape import Shape

# Columns that are left aside are named up to this number: some files have hundreds.
_NAMED_COLUMNS = 20


def describe_choice(shapes: Sequence[Shape], columns: Columns) -> str:
    """The first of `shapes`, the others that fit, how to take one of these, and unread columns."""
    chosen, *others = shapes
    sentences = [_describe(chosen)]
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
    return "; ".join(sentences)


def _describe(shape: Shape) -> str:
    return f"{shape.name} ({', '.join(shape.columns)})"
