"""Tokens as the text-generation-inference API has them. Pure."""

from collections.abc import Iterable
from typing import Any

from inference_gateway.formats.token_logprobs import finite_logprob
from inference_gateway.formats.token_places import TokenPlaces
from kaito.inference.v1 import inference_pb2 as pb


def token_object(token: pb.LikelyToken, text: str, *, special: bool) -> dict[str, Any]:
    """One token. A special one is not part of the answer's text."""
    return {
        "id": token.id,
        "text": text,
        "logprob": finite_logprob(token),
        "special": special,
    }


def top_tokens(each: pb.TokenLogprob, *, special: bool) -> list[dict[str, Any]]:
    """The likeliest tokens in the place of one."""
    return [token_object(token, token.text, special=special) for token in each.top]


def token_details(choice: pb.Choice, *, with_top: bool) -> dict[str, Any]:
    """`tokens` of the details, and `top_tokens`."""
    places = TokenPlaces()
    placed = places.of(choice.logprobs, choice.text)
    details: dict[str, Any] = {
        "tokens": [
            token_object(each.token.token, each.text, special=each.special) for each in placed
        ]
    }
    # An answer may end within a character.
    in_text = [token for token in details["tokens"] if not token["special"]]
    if in_text:
        in_text[-1]["text"] += places.end()
    if with_top:
        details["top_tokens"] = [top_tokens(each.token, special=each.special) for each in placed]
    return details


def prefill(tokens: Iterable[pb.TokenLogprob]) -> list[dict[str, Any]]:
    """The tokens of the prompt."""
    return [
        {
            "id": each.token.id,
            "text": each.token.text,
            "logprob": finite_logprob(each.token),
        }
        for each in tokens
    ]
