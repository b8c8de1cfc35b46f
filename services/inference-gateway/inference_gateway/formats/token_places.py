"""Where tokens are in the text that they make together. Pure."""

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from kaito.inference.v1 import inference_pb2 as pb


@dataclass(frozen=True, slots=True)
class PlacedToken:
    """A token, the character that it starts in, and its part of the text.

    A character that several tokens share belongs to the last of them. A special token, such as the
    end of the sequence, is not part of the text; its place is that of the token that follows.
    """

    token: pb.TokenLogprob
    place: int
    text: str
    special: bool


class TokenPlaces:
    """Places the tokens of one text, which may come in parts."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._place = 0
        self._rest = ""

    def of(self, tokens: Iterable[pb.TokenLogprob], text: str) -> list[PlacedToken]:
        """The tokens of more text. `text` follows that of the call before."""
        self._rest += text
        placed, start = [], 0
        for each in tokens:
            place = self._place + start
            found = self._find(each.token.raw, start)
            if found is None:
                placed.append(PlacedToken(each, place, each.token.text, special=True))
                continue
            placed.append(PlacedToken(each, place, found, special=False))
            start += len(found)
        self._rest = self._rest[start:]
        self._place += start
        return placed

    def end(self) -> str:
        """What remains after the last token: U+FFFD for a character that is not whole."""
        return self._decoder.decode(b"", final=True)

    def _find(self, raw: bytes, start: int) -> str | None:
        """The characters that the token completes; None if the text does not go on with them."""
        before = self._decoder.getstate()
        # Some tokenizers drop the first token's space.
        for form in (raw, raw.removeprefix(b" ")):
            found = self._decoder.decode(form)
            if form and self._rest.startswith(found, start):
                return found
            self._decoder.setstate(before)
        return None
