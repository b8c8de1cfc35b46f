"""What the trainer gets: token ids, and which of them the model learns."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.examples.common_prefix import common_prefix_length
from tuner.rows.row import RowFault

# torch's cross-entropy skips tokens with this label.
IGNORED_LABEL = -100


@dataclass(frozen=True, slots=True)
class Example:
    """One sequence. A label is the token's id where the model learns it, else `IGNORED_LABEL`.

    Of a pair of answers it is two: the first `chosen` tokens are the prompt with the chosen answer,
    and the others the prompt with the rejected one. 0: there is no pair.
    """

    input_ids: Sequence[int]
    labels: Sequence[int]
    chosen: int = 0

    @property
    def learned(self) -> int:
        """The number of tokens that the model learns."""
        return len(self.labels) - self.labels.count(IGNORED_LABEL)


def completion_example(prompt: Sequence[int], ids: Sequence[int]) -> Example:
    """The example `ids`, of which the model learns all from where it differs from `prompt` on."""
    start = common_prefix_length(prompt, ids)
    return Example(ids, [IGNORED_LABEL] * start + list(ids[start:]))


class Note(StrEnum):
    """What is worth saying about a record that is trained on all the same."""

    EXPANDED = (
        "the chat template rewrites earlier messages, so each answer becomes an example of its own"
    )
    CONTROL_TOKENS = (
        "control tokens, such as the end mark of a message, occur in the text; they are learned as "
        "plain text (put data that a template has rendered already into a column text)"
    )
    TOOLS_IGNORED = "the chat template ignores tools, so the model does not see them"
    NO_END_MARK = "the chat template ends answers without a mark, so the model learns no end"


@dataclass(frozen=True, slots=True)
class Encoded:
    """The examples of one record.

    `cut` is set if not all of the record is in them, because it is longer than `max_length`.
    `sufficient` is the smallest max_length, in tokens, at which nothing is cut.
    """

    examples: tuple[Example, ...]
    cut: RowFault | None = None
    sufficient: int = 0
    notes: frozenset[Note] = frozenset()
