"""Tokens as the text-generation-inference API has them. Pure."""

from collections.abc import Iterable
from typing import Any

from inference_gateway.formats.token_logprobs import TokenPlaces, finite_logprob
from kaito.inference.v1 import inference_pb2 as pb


def token_object(token: pb.LikelyToken, *, special: bool) -> dict[str, Any]:
    """One token. A special one is not part of the answer's text."""
    return {
        "id": token.id,
        "text": token.text,
        "logprob": finite_logprob(token),
        "special": special,
    }


def top_tokens(each: pb.TokenLogprob, *, special: bool) -> list[dict[str, Any]]:
    """The likeliest tokens in the place of one."""
    return [token_object(token, special=special) for token in each.top]


def token_details(choice: pb.Choice, *, with_top: bool) -> dict[str, Any]:
    """`tokens` of the details, and `top_tokens`."""
    places = TokenPlaces().of(choice.logprobs, choice.text)
    pairs = [(each, not known) for each, (_, known) in zip(choice.logprobs, places, strict=True)]
    details: dict[str, Any] = {
        "tokens": [token_object(each.token, special=special) for each, special in pairs]
    }
    if with_top:
        details["top_tokens"] = [top_tokens(each, special=special) for each, special in pairs]
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
