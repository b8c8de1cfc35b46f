"""Makes examples of pairs of answers, of which one is preferred. Pure.

As TRL makes them: an answer begins where its tokens differ from those of the prompt, at the same
place in both, and what exceeds `max_length` is cut at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from tuner.examples.common_prefix import common_prefix_length, common_text_length
from tuner.examples.example import IGNORED_LABEL, Encoded, Example, Note
from tuner.examples.length import TooLong
from tuner.rows.row import LossCause, RowFault

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TokenizedPair:
    """The tokens of a prompt, and of the prompt with each answer."""

    prompt: Sequence[int]
    chosen: Sequence[int]
    rejected: Sequence[int]


def shared_prompt(chosen: Sequence[T], rejected: Sequence[T]) -> Sequence[T]:
    """The messages that both conversations begin with.

    Raises:
        RowFault: EMPTY, one of them is the beginning of the other.
    """
    length = common_prefix_length(chosen, rejected)
    if length == min(len(chosen), len(rejected)):
        shorter = "chosen" if len(chosen) < len(rejected) else "rejected"
        raise RowFault(
            LossCause.EMPTY, f"the {shorter} answer is empty: the other one begins with all of it"
        )
    return chosen[:length]


def shared_text(chosen: str, rejected: str) -> str:
    """The text that both begin with, without the space before the first word that differs."""
    length = common_text_length(chosen, rejected)
    return chosen[: length - 1 if length and chosen[length - 1] == " " else length]


def pair_example(
    pair: TokenizedPair, max_length: int | None, notes: frozenset[Note] = frozenset()
) -> Encoded:
    """The example of `pair`, each answer with its prompt of `max_length` tokens at most.

    Raises:
        RowFault: EMPTY, SAME_ANSWERS or PROMPT_TOO_LONG.
    """
    sides = (pair.chosen, pair.rejected)
    start = min(common_prefix_length(pair.prompt, ids) for ids in sides)
    if any(start >= len(ids) for ids in sides):
        raise RowFault(LossCause.EMPTY, "one of its answers holds no token")
    if list(pair.chosen) == list(pair.rejected):
        raise RowFault(
            LossCause.SAME_ANSWERS, "both have the same tokens, so there is nothing to prefer"
        )
    sufficient = max(map(len, sides))
    if max_length is not None and start >= max_length:
        raise TooLong(
            LossCause.PROMPT_TOO_LONG,
            f"{start} tokens come before the answers, and max_length is {max_length}",
            sufficient,
        )
    chosen, rejected = (list(ids[:max_length]) for ids in sides)
    if chosen == rejected:
        raise TooLong(
            LossCause.SAME_ANSWERS,
            f"the first {len(chosen)} tokens of both are the same, and max_length is {max_length}",
            sufficient,
        )
    example = Example(
        chosen + rejected,
        [IGNORED_LABEL] * start + chosen[start:] + [IGNORED_LABEL] * start + rejected[start:],
        chosen=len(chosen),
    )
    cut = None
    if max_length is not None and sufficient > max_length:
        learned = len(chosen) + len(rejected) - 2 * start
        cut = TooLong(
            LossCause.CUT,
            f"{sufficient} tokens; {learned} of {sum(map(len, sides)) - 2 * start} tokens of its "
            "answers are compared",
            sufficient,
        )
    return Encoded((example,), cut, sufficient, notes)
