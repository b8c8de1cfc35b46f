"""Turns tokens into text as they arrive: whole characters only, nothing past a stop string.

Knows no tokenizer, only a function that decodes a list of tokens.
"""

from collections.abc import Callable, Sequence

from model_server.engine import FinishReason

# Bytes that are not a whole character decode to one or more of these.
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# Beyond this many tokens the older ones are dropped, so that a step costs the same however long
# the answer is. Some remain as context: decoders may drop the first token's leading space.
_WINDOW_TOKENS = 32
_CONTEXT_TOKENS = 8


class Detokenizer:
    """Decodes the tokens of one choice incrementally."""

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._emitted_characters = 0

    def add(self, tokens: Sequence[int]) -> str:
        """The text that these tokens complete. An incomplete character is held back."""
        self._tokens.extend(tokens)
        text = self._decode(self._tokens)
        complete = text.rstrip(_REPLACEMENT)
        new = complete[self._emitted_characters :]
        self._emitted_characters = max(self._emitted_characters, len(complete))
        if len(self._tokens) > _WINDOW_TOKENS and self._emitted_characters == len(text):
            self._drop_old_tokens(text)
        return new

    def flush(self) -> str:
        """What is held back, as the reference decodes it: bytes of no whole character as U+FFFD."""
        text = self._decode(self._tokens)
        rest = text[self._emitted_characters :]
        self._emitted_characters = len(text)
        return rest

    def _drop_old_tokens(self, text: str) -> None:
        """Drop old tokens at a position where the rest still decodes to the end of the text."""
        first = len(self._tokens) - _CONTEXT_TOKENS
        for cut in range(first, first - _CONTEXT_TOKENS, -1):
            tail = self._decode(self._tokens[cut:])
            if tail and _REPLACEMENT not in tail and text.endswith(tail):
                self._tokens = self._tokens[cut:]
                self._emitted_characters = len(tail)
                return


class StopStringMatcher:
    """Passes text on until the first stop string, which may span several deltas."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""

    def add(self, text: str) -> tuple[str, bool]:
        """The text that certainly precedes any stop string, and whether one was found."""
        if not self._stops:
            return text, False
        text = self._held + text
        positions = [at for at in (text.find(stop) for stop in self._stops) if at >= 0]
        if positions:
            self._held = ""
            return text[: min(positions)], True
        # The end of the text may be the beginning of a stop string.
        held = max(overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - held :]
        return text[: len(text) - held], False

    def flush(self) -> str:
        """The text held back in case a stop string began there."""
        held, self._held = self._held, ""
        return held


def overlap(text: str, stop: str) -> int:
    """The length of the longest suffix of `text` that is a proper prefix of `stop`."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)


class ChoiceDetokenizer:
    """The text of one choice as its tokens arrive."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str]) -> None:
        self._detokenizer = Detokenizer(decode)
        self._matcher = StopStringMatcher(stops)

    def add(
        self, tokens: Sequence[int], finish_reason: FinishReason | None
    ) -> tuple[str, FinishReason | None]:
        """The new text and, if the choice ends, why. A stop string wins over `finish_reason`."""
        new = self._detokenizer.add(tokens)
        if finish_reason:
            new += self._detokenizer.flush()
        text, stopped = self._matcher.add(new)
        if stopped:
            return text, FinishReason.STOP
        return (text + self._matcher.flush() if finish_reason else text), finish_reason
