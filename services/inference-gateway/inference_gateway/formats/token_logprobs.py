"""Log probabilities of tokens in the shapes of OpenAI's two APIs. Pure."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from inference_gateway.formats.token_places import TokenPlaces
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


def completion_logprobs(
    tokens: Sequence[pb.TokenLogprob], text: str, places: TokenPlaces
) -> dict[str, Any]:
    """`logprobs` of a choice of /v1/completions, whose text the tokens make."""
    return {
        "tokens": [each.token.text for each in tokens],
        "token_logprobs": [finite_logprob(each.token) for each in tokens],
        "top_logprobs": [_likeliest(each) for each in tokens],
        "text_offset": [each.place for each in places.of(tokens, text)],
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
