"""Makes examples fit into `max_length` tokens. Pure."""

from collections.abc import Iterator, Sequence

from tuner.examples.example import IGNORED_LABEL, Encoded, Example, Note
from tuner.rows.row import LossCause, RowFault


class TooLong(RowFault):
    """A row that is dropped or cut for its length; `sufficient` is the max_length it needs."""

    def __init__(self, cause: LossCause, detail: str, sufficient: int) -> None:
        super().__init__(cause, detail)
        self.sufficient = sufficient


def fit(
    examples: Sequence[Example], max_length: int | None, notes: frozenset[Note] = frozenset()
) -> Encoded:
    """The examples of a record, each cut to `max_length`.

    What follows the last token that is learned is left out, as it only costs time. An answer that
    does not fit is learned as far as it goes: without its end mark, it teaches no end.

    Raises:
        RowFault: NO_ANSWER or PROMPT_TOO_LONG, the model could learn nothing from them.
    """
    lengths = [_learned_length(example) for example in examples]
    sufficient = max(lengths, default=0)
    if sufficient == 0:
        raise RowFault(LossCause.NO_ANSWER, "its answers hold no token")
    fitted = [
        _shorten(example, length)
        for example, length in zip(examples, lengths, strict=True)
        if length
    ]
    if max_length is None or sufficient <= max_length:
        return Encoded(tuple(fitted), None, sufficient, notes)
    cut = [_shorten(example, max_length) for example in fitted]
    kept = [example for example in cut if _learned_length(example)]
    if not kept:
        prompt = _prompt_length(fitted[0])
        raise TooLong(
            LossCause.PROMPT_TOO_LONG,
            f"{prompt} tokens come before the first answer, and max_length is {max_length}",
            sufficient,
        )
    whole = sum(example.learned for example in fitted)
    learned = sum(example.learned for example in kept)
    fault = TooLong(
        LossCause.CUT,
        f"{sufficient} tokens; {learned} of {whole} tokens of its answers are learned",
        sufficient,
    )
    return Encoded(tuple(kept), fault, sufficient, notes)


def split_into_windows(tokens: Sequence[int], max_length: int | None) -> Iterator[Example]:
    """Examples that together teach each of `tokens` once.

    A window begins with the last token of the one before, so that its own first token is learned
    from a token, too.
    """
    size = max(2, max_length or len(tokens))
    for start in range(0, len(tokens) - 1, size - 1):
        ids = list(tokens[start : start + size])
        yield Example(ids, [IGNORED_LABEL, *ids[1:]] if start else ids)


def _learned_length(example: Example) -> int:
    """The length until the last token that is learned; 0 if none is."""
    labels = example.labels
    length = len(labels)
    while length and labels[length - 1] == IGNORED_LABEL:
        length -= 1
    # Nothing precedes the first token, so the model cannot learn it.
    return length if length > 1 else 0


def _shorten(example: Example, length: int) -> Example:
    if len(example.labels) <= length:
        return example
    return Example(example.input_ids[:length], example.labels[:length])


def _prompt_length(example: Example) -> int:
    return next(k for k, label in enumerate(example.labels) if label != IGNORED_LABEL)
