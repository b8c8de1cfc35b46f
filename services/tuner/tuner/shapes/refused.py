"""Shapes whose rows cannot be learned as they are, and what their owners can do."""

from collections.abc import Iterator, Mapping
from itertools import chain

from tuner.shapes.chat.message import CONTENT_KEYS, ROLE_KEYS
from tuner.shapes.chat.roles import is_role
from tuner.shapes.values.columns import Columns


def find_refusal(columns: Columns) -> str | None:
    """Why the file cannot be used without a change, and the remedy; None if it may be usable."""
    found = chain(_translation(columns), _tree_messages(columns), _single_messages(columns))
    return next(found, None)


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


def _single_messages(columns: Columns) -> Iterator[str]:
    role, content = columns.find_first(ROLE_KEYS), columns.find_first(CONTENT_KEYS)
    roles = columns.values(role) if role is not None else []
    if content is not None and roles and all(map(is_role, roles)):
        yield (
            f"holds single messages (columns {role}, {content}), of which no row is a "
            "conversation; write each conversation as a row with a column messages: "
            '{"messages": [{"role": "user", "content": ...}, {"role": "assistant", "content": '
            f"...}}]}}; to learn each row as a text, set response_template to '{{{content}}}' in "
            "DatasetConfig"
        )
