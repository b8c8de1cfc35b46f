"""Which tokens of a rendered conversation belong to its answers.

An answer begins with the first token in which the conversation differs from the prompt of that
answer, as the two are tokenized: a tokenizer may merge the end of the prompt with the beginning of
the answer. Only the tokens around the boundary are looked at to find it.
"""

from bisect import bisect_left
from collections.abc import Sequence

from tuner.examples.common_prefix import common_prefix_length
from tuner.examples.example import IGNORED_LABEL, Example
from tuner.examples.layout import Places
from tuner.examples.text_tokenizer import TextTokenizer, Tokens
from tuner.examples.turn_layout import Answer

# How far, in tokens, the tokens before a boundary may depend on what follows it: one word, or one
# run of spaces.
_REACH = 32


def learn_answers(
    tokenizer: TextTokenizer, text: str, places: Places, answers: Sequence[Answer]
) -> Example | None:
    """The example of the conversation `text`, in which `answers` are learned.

    None if the tokens of an answer depend on what follows it.
    """
    tokens = tokenizer.locate(text)
    labels = [IGNORED_LABEL] * len(tokens.ids)
    for answer in answers:
        start = count_common(
            tokenizer, tokens, text, places.to_rendered(answer.start), answer.prompt_tail
        )
        end = _count_whole(tokenizer, tokens, text, places.to_rendered(answer.end))
        if start is None or end is None:
            return None
        labels[start:end] = tokens.ids[start:end]
    return Example(tokens.ids, labels)


def count_common(
    tokenizer: TextTokenizer, tokens: Tokens, text: str, position: int, tail: str = ""
) -> int | None:
    """How many of `tokens`, which are those of `text`, begin text[:position] + `tail`, too.

    None if the tokens around `position` do not show it.
    """
    last = bisect_left(tokens.starts, position) - 1
    first = max(0, last - _REACH)
    for index in range(last, first, -1):
        if tokenizer.separates(tokens, index, text):
            beginning = text[tokens.starts[index] : position] + tail
            return index + _agree(tokens, index, tokenizer.encode_cached(beginning))
    if first == 0:
        return _agree(tokens, 0, tokenizer.encode_cached(text[:position] + tail))
    return _align(tokenizer.locate(text[tokens.starts[first] : position] + tail), tokens, first)


def _count_whole(tokenizer: TextTokenizer, tokens: Tokens, text: str, position: int) -> int | None:
    """The number of tokens of text[:position]; None if it does not begin `tokens`."""
    count = tokens.count_until(position)
    if position == len(text):
        return count
    if count < len(tokens.ids) and tokens.starts[count] < position:
        return None
    return count if count_common(tokenizer, tokens, text, position) == count else None


def _align(part: Tokens, tokens: Tokens, first: int) -> int | None:
    """The index of the token in which `part` differs, which begins where token `first` does.

    The first tokens of a part may differ, because a word was cut, so its second half is compared.
    None if the two halves have nothing in common: where they begin to differ is then unknown.
    """
    shift = tokens.starts[first]
    for index in range(len(part.ids) // 2, len(part.ids)):
        if index and part.starts[index] == part.starts[index - 1]:
            # Of a character that is several tokens, all begin at the same place.
            continue
        other = bisect_left(tokens.starts, part.starts[index] + shift)
        if other < len(tokens.ids) and tokens.starts[other] == part.starts[index] + shift:
            same = _agree(tokens, other, part.ids[index:])
            return other + same if same else None
    return None


def _agree(tokens: Tokens, start: int, ids: Sequence[int]) -> int:
    """How many of `tokens` equal `ids` from the index `start` on."""
    return common_prefix_length(ids, tokens.ids[start : start + len(ids)])
