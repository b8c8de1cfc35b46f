"""From tokens to text as they come: whole characters only, and nothing past a stop string.

Knows no tokenizer, only a function that decodes a list of tokens.
"""

from collections.abc import Callable, Sequence

from model_server.engine import FinishReason

# A byte sequence that is not yet, or never will be, a character decodes to one or more of these.
_BROKEN = "\N{REPLACEMENT CHARACTER}"
# Past so many tokens the older ones are let go, so that a step costs the same however long the
# answer. Some are kept: decoders may drop the first token's leading space.
_WINDOW = 32
_KEPT = 8


class Detokenizer:
    """Turns the tokens of one choice into text, a few at a time."""

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._given = 0

    def add(self, tokens: Sequence[int]) -> str:
        """The text that these tokens complete. A character still being made is kept back."""
        self._tokens.extend(tokens)
        text = self._decode(self._tokens)
        sound = text.rstrip(_BROKEN)
        new = sound[self._given :]
        self._given = max(self._given, len(sound))
        if len(self._tokens) > _WINDOW and self._given == len(text):
            self._let_go(text)
        return new

    def _let_go(self, text: str) -> None:
        """Drop older tokens at a place where what is left decodes to the same end of the text."""
        first = len(self._tokens) - _KEPT
        for cut in range(first, first - _KEPT, -1):
            tail = self._decode(self._tokens[cut:])
            if tail and _BROKEN not in tail and text.endswith(tail):
                self._tokens = self._tokens[cut:]
                self._given = len(tail)
                return


class StopStrings:
    """Lets text through until the first stop string, which may lie across several pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""

    def add(self, text: str) -> tuple[str, bool]:
        """The text that is certainly before any stop string, and whether one was found."""
        if not self._stops:
            return text, False
        text = self._held + text
        found = [at for at in (text.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self._held = ""
            return text[: min(found)], True
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep], False

    def flush(self) -> str:
        """What was held back in case a stop string began there."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, stop: str) -> int:
    """The length of the longest end of `text` that is a beginning of `stop`, but not all of it."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)


class ChoiceText:
    """One choice's text as its tokens come in."""

    def __init__(self, decode: Callable[[Sequence[int]], str], stops: Sequence[str]) -> None:
        self._detokenizer = Detokenizer(decode)
        self._stops = StopStrings(stops)

    def add(
        self, tokens: Sequence[int], finish: FinishReason | None
    ) -> tuple[str, FinishReason | None]:
        """The new text and, when the choice ends here, why. A stop string goes before `finish`."""
        text, stopped = self._stops.add(self._detokenizer.add(tokens))
        if stopped:
            return text, FinishReason.STOP
        return (text + self._stops.flush() if finish else text), finish
