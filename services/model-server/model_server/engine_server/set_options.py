"""The options that a request sets, and those that change nothing. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from model_server.errors import InvalidRequest
from model_server.options import GenerationOptions

# Values that change nothing, so that no server has to know the option.
_NEUTRAL: Mapping[str, object] = {
    "min_new_tokens": 0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "frequency_penalty": 0.0,
    "presence_penalty": 0.0,
    "typical_p": 1.0,
    "no_repeat_ngram_size": 0,
    "num_beams": 1,
    "ignore_eos": False,
    "logprobs": False,
    "top_logprobs": 0,
    "prompt_logprobs": False,
    "return_token_ids": False,
}
# What has no meaning without beam search, or is written in another form by every server.
_APART = frozenset("length_penalty early_stopping do_sample stop logit_bias max_new_tokens".split())


def set_options(options: GenerationOptions) -> Iterator[tuple[str, Any]]:
    """Names and values of what is set, without those that every server writes in its own form."""
    for name in options.__dataclass_fields__:
        value = getattr(options, name)
        if value is not None and name not in _APART:
            yield name, value


def is_neutral(name: str, value: object) -> bool:
    """Whether an option changes nothing at this value."""
    return name in _NEUTRAL and _NEUTRAL[name] == value


def reject_unless_neutral(name: str, value: object) -> None:
    """Check that an option which the server does not know changes nothing.

    Raises:
        InvalidRequest: it would.
    """
    if not is_neutral(name, value):
        raise InvalidRequest(
            f"options.{name}", value, "is not supported by this model's engine; leave it out"
        )
