"""Shapes whose rows cannot be learned as they are, and what their owners can do."""

from collections.abc import Iterator, Mapping
from itertools import chain

from tuner.shapes.columns import Columns


def find_refusal(columns: Columns) -> str | None:
    """Why the file cannot be used without a change, and the remedy; None if it may be usable."""
    return next(chain(_translation(columns), _tree_messages(columns)), None)


def _translation(columns: Columns) -> Iterator[str]:
    column = columns.find("translation")
    values = columns.values(column) if column is not None else []
    pairs = [value for value in values if isinstance(value, Mapping) and len(value) > 1]
    if pairs:
        source, target, *_ = pairs[0]
        yield (
            f"holds translations (column {column}: {', '.join(pairs[0])}), and nothing says which "
            f"way to translate; set prompt_template to '{{{column}.{source}}}' and "
            f"response_template to '{{{column}.{target}}}' in DatasetConfig, or the other way round"
        )


def _tree_messages(columns: Columns) -> Iterator[str]:
    if all(columns.find(name) is not None for name in ("text", "role", "parent_id")):
        yield (
            "holds single messages of conversation trees (columns text, role, parent_id), of which "
            "no row is a conversation; use the file of the same dataset that has one tree in each "
            "row, for oasst1 and oasst2 the one that ends in trees.jsonl.gz, or write each "
            "conversation as a row with a column messages"
        )
