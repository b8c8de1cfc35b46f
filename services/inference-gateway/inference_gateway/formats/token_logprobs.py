"""Log probabilities of tokens in the shapes of OpenAI's two APIs. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kaito.inference.v1 import inference_pb2 as pb

# OpenAI's number for a token that was certainly not selected. JSON has no infinity.
_IMPOSSIBLE = -9999.0


def chat_logprobs(tokens: Iterable[pb.TokenLogprob]) -> dict[str, Any]:
    """`logprobs` of a choice of /v1/chat/completions."""
    return {
        "content": [
            {**_token(each.token), "top_logprobs": [_token(likely) for likely in each.top]}
            for each in tokens
        ],
        "refusal": None,
    }


def finite_logprob(token: pb.LikelyToken) -> float | None:
    """The token's log probability; None if nothing precedes it."""
    if not token.HasField("logprob"):
        return None
    return token.logprob if math.isfinite(token.logprob) else _IMPOSSIBLE


def _token(token: pb.LikelyToken) -> dict[str, Any]:
    return {
        "token": token.text,
        "logprob": finite_logprob(token),
        "bytes": list(token.raw),
    }


@dataclass(slots=True)
class TokenPlaces:
    """Places tokens in the text that they are part of. Keeps its place between the parts.

    A token that the text does not have, such as the begin of the sequence, has the place of the
    token that follows it.
    """

    _place: int = 0
    _rest: bytes = b""

    def of(self, tokens: Iterable[pb.TokenLogprob], text: str) -> list[tuple[int, bool]]:
        """The character that each token starts in, and whether the text has the token.

        `text` follows that of the call before.
        """
        rest, start, places = self._rest + text.encode(errors="replace"), 0, []
        for token in (each.token for each in tokens):
            # Some tokenizers drop the first token's space.
            forms = (token.raw, token.raw.removeprefix(b" "))
            found = next((form for form in forms if rest.startswith(form, start)), b"")
            places.append((self._place, bool(found)))
            start += len(found)
            # Bytes 0x80 to 0xBF go on with a character; all others begin one.
            self._place += sum(byte & 0xC0 != 0x80 for byte in found)
        self._rest = rest[start:]
        return places


def completion_logprobs(
    tokens: Sequence[pb.TokenLogprob], text: str, places: TokenPlaces
) -> dict[str, Any]:
    """`logprobs` of a choice of /v1/completions, whose text the tokens make."""
    return {
        "tokens": [each.token.text for each in tokens],
        "token_logprobs": [finite_logprob(each.token) for each in tokens],
        "top_logprobs": [_likeliest(each) for each in tokens],
        "text_offset": [place for place, _ in places.of(tokens, text)],
    }


def prompt_text(prompt: str | list[int], tokens: Iterable[pb.TokenLogprob]) -> str:
    """The text of a prompt; for one that came as tokens, that of its log probabilities."""
    if isinstance(prompt, str):
        return prompt
    return b"".join(each.token.raw for each in tokens).decode(errors="replace")


def _likeliest(each: pb.TokenLogprob) -> dict[str, float | None] | None:
    if not each.token.HasField("logprob"):
        return None
    # As OpenAI, with the token itself. Of several with the same text the likeliest counts.
    found: dict[str, float | None] = {}
    for token in (*each.top, each.token):
        found.setdefault(token.text, finite_logprob(token))
    return found
