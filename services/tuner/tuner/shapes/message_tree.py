"""Open Assistant's trees: a prompt and its replies, each with replies of its own."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kaito_training.sections import DatasetConfig
from tuner.rows.record import Conversation
from tuner.rows.row import Row
from tuner.shapes.chat.conversation import build_conversation
from tuner.shapes.chat.message import ReadMessage, read_messages
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.faults import malformed


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTreeShape:
    """The model learns the assistant's messages on the path of the replies ranked best."""

    root: str
    system_prompt: str = ""
    name: str = "message tree"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.root,)

    def to_record(self, row: Row) -> Conversation:
        """The best conversation in the tree of `row`.

        Raises:
            RowFault: EMPTY, MALFORMED or NO_ANSWER.
        """
        where = f"column {self.root}"
        messages = list(_best_path(row.values.get(self.root), where))
        return build_conversation(messages, where, system=self.system_prompt)


def find_message_tree(columns: Columns, config: DatasetConfig) -> Iterator[MessageTreeShape]:
    """The shape of a file with a tree of messages in each row."""
    root = columns.find("prompt")
    if root is not None and any(
        isinstance(value, Mapping) and "replies" in value for value in columns.values(root)
    ):
        yield MessageTreeShape(root=root, system_prompt=config.system_prompt or "")


def _best_path(node: Any, where: str) -> Iterator[ReadMessage]:
    while node is not None:
        if not isinstance(node, Mapping):
            raise malformed(where, node, "it must be {role, text, replies}")
        yield from read_messages({"role": node.get("role"), "text": node.get("text")}, where)
        where = f"{where}.replies"
        replies = node.get("replies") or []
        if not isinstance(replies, list):
            raise malformed(where, replies, "it must be a list of {role, text, replies}")
        node = min(replies, key=_rank, default=None)


def _rank(reply: Any) -> float:
    """0 is the best rank; replies without one come last, in their order."""
    rank = reply.get("rank") if isinstance(reply, Mapping) else None
    return rank if isinstance(rank, int | float) else float("inf")
