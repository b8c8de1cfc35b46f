"""Whether an adapter is among those that the server was started with. Pure.

The server answers a request for an adapter that it does not have from the base model, in silence.
"""

from collections.abc import Mapping
from math import isclose
from typing import Any

# Log probabilities of the same tokens differ by less than this from one batch to the next.
_TOLERANCE = 0.01
_TOKENS = 16


def build_probe(adapter: str | None) -> dict[str, Any]:
    """A request for a few likeliest tokens and their log probabilities."""
    parameters: dict[str, Any] = {"max_new_tokens": _TOKENS, "details": True, "do_sample": False}
    if adapter:
        parameters["adapter_id"] = adapter
    return {"inputs": "The", "parameters": parameters}


def is_same_model(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers to the probe are those of the same model."""
    tokens, others = one["details"]["tokens"], other["details"]["tokens"]
    return len(tokens) == len(others) and all(
        mine["id"] == theirs["id"] and _are_close(mine.get("logprob"), theirs.get("logprob"))
        for mine, theirs in zip(tokens, others, strict=True)
    )


def _are_close(one: float | None, other: float | None) -> bool:
    """Without a number there is nothing to compare: the tokens decide."""
    return one is None or other is None or isclose(one, other, abs_tol=_TOLERANCE)
