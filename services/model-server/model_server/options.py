"""Generation options: what a request may set, their bounds, and the model's own defaults.

Pure. Knows neither gRPC nor an engine.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from model_server.errors import InvalidRequest

# The contract's bounds. Each choice and each beam is a separate sequence in memory.
MAX_CHOICES = 16
MAX_BEAMS = 16
MAX_STOP_STRINGS = 16
MAX_TOP_LOGPROBS = 20
MAX_BIASED_TOKENS = 1024
# The contract's default, if neither the request nor the model sets one.
DEFAULT_NEW_TOKENS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationOptions:
    """What a request or a model's generation_config sets; None leaves an option to the default."""

    max_new_tokens: int | None = None
    max_length: int | None = None
    min_new_tokens: int | None = None
    do_sample: bool | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    typical_p: float | None = None
    repetition_penalty: float | None = None
    length_penalty: float | None = None
    no_repeat_ngram_size: int | None = None
    num_beams: int | None = None
    num_return_sequences: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    early_stopping: bool | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    ignore_eos: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    prompt_logprobs: bool | None = None
    return_token_ids: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """The resolved parameters of one request. A neutral value turns a rule off."""

    max_new_tokens: int
    min_new_tokens: int = 0
    do_sample: bool = False
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.0
    length_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    num_beams: int = 1
    choices: int = 1
    stop: tuple[str, ...] = ()
    seed: int | None = None
    early_stopping: bool = False
    min_p: float = 0.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    ignore_eos: bool = False
    logprobs: bool = False
    top_logprobs: int = 0
    prompt_logprobs: bool = False
    return_token_ids: bool = False


def _float32(value: float) -> float:
    """The number as the contract carries it: a client that sends a bound is within it."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


# Scores are float32 when a token is selected, whatever the number format of the model, and finite
# float32 end at 3.4e38. A score is multiplied or divided by the penalty and divided by the
# temperature: by 1e8 in all, within these bounds. So every score that float16 can express (65504)
# has a margin of 1e25, and one of bfloat16 or float32 overflows only beyond 3e30, where the model
# itself is broken. (A smaller number changes no answer: at temperature 1e-6, scores that differ by
# 1e-4 have probabilities that differ by a factor of e^100.)
_TEMPERATURE = (_float32(1e-6), _float32(100.0))
_REPETITION_PENALTY = (_float32(0.01), _float32(100.0))
# Below one millionth only the likeliest token remains in any vocabulary of up to a million tokens.
# The smallest float32 (1e-45) would be flushed to 0 by some devices, and then no token remained.
_PROBABILITY = (_float32(1e-6), 1.0)
# Beam search divides by length ** penalty: 1e30 for a million tokens, which leaves float32 room
# for the sum of a million log probabilities.
_LENGTH_PENALTY = (-5.0, 5.0)
# OpenAI's bounds. A million occurrences add 2e6 to a score, which leaves float32 its range.
_ADDED_PENALTY = (-2.0, 2.0)
_LOGIT_BIAS = 100.0

_INTEGER_BOUNDS: dict[str, tuple[int, int | None]] = {
    "max_new_tokens": (1, None),
    "max_length": (1, None),
    "min_new_tokens": (0, None),
    "top_k": (0, None),
    "no_repeat_ngram_size": (0, None),
    "num_beams": (1, MAX_BEAMS),
    "num_return_sequences": (1, MAX_CHOICES),
    "top_logprobs": (0, MAX_TOP_LOGPROBS),
}
_NUMBER_BOUNDS: dict[str, tuple[float, float, str]] = {
    "temperature": (
        *_TEMPERATURE,
        "; turn sampling off to always take the likeliest token",
    ),
    "top_p": (*_PROBABILITY, ""),
    "typical_p": (*_PROBABILITY, ""),
    "repetition_penalty": (*_REPETITION_PENALTY, "; 1 turns it off"),
    "length_penalty": (*_LENGTH_PENALTY, ""),
    "min_p": (0.0, 1.0, ""),
    "frequency_penalty": (*_ADDED_PENALTY, "; 0 turns it off"),
    "presence_penalty": (*_ADDED_PENALTY, "; 0 turns it off"),
}


def validate(options: GenerationOptions) -> None:
    """Check every option against its bounds.

    Raises:
        InvalidRequest: names the first option that is out of bounds.
    """
    for name in (*_INTEGER_BOUNDS, *_NUMBER_BOUNDS):
        if problem := _problem(name, getattr(options, name)):
            raise InvalidRequest(f"options.{name}", getattr(options, name), problem)
    if len(options.stop) > MAX_STOP_STRINGS:
        raise InvalidRequest(
            "options.stop", list(options.stop), f"must be at most {MAX_STOP_STRINGS} strings"
        )
    if not all(options.stop):
        raise InvalidRequest("options.stop", list(options.stop), "must not contain an empty string")
    _validate_bias(options.logit_bias)
    beams, choices = options.num_beams or 1, options.num_return_sequences or 1
    if beams > 1 and choices > beams:
        raise InvalidRequest(
            "options.num_return_sequences", choices, f"must not exceed num_beams, {beams}"
        )


def _validate_bias(bias: Mapping[int, float]) -> None:
    if len(bias) > MAX_BIASED_TOKENS:
        raise InvalidRequest(
            "options.logit_bias", f"{len(bias)} tokens", f"must be at most {MAX_BIASED_TOKENS}"
        )
    for token, value in bias.items():
        # False for NaN as well.
        if not -_LOGIT_BIAS <= value <= _LOGIT_BIAS:
            raise InvalidRequest(
                f"options.logit_bias[{token}]",
                value,
                f"must be between {-_LOGIT_BIAS:g} and {_LOGIT_BIAS:g}",
            )


def drop_invalid(options: GenerationOptions) -> tuple[GenerationOptions, tuple[str, ...]]:
    """A model's own defaults without those that are out of bounds, and a problem for each."""
    problems = {
        name: problem
        for name in (*_INTEGER_BOUNDS, *_NUMBER_BOUNDS)
        if (problem := _problem(name, getattr(options, name)))
    }
    dropped: dict[str, Any] = dict.fromkeys(problems)
    texts = (f"{name} = {getattr(options, name)!r}: {text}" for name, text in problems.items())
    return replace(options, **dropped), tuple(texts)


def _problem(name: str, value: object) -> str:
    """What is wrong with an option's value; empty if it is within its bounds or unset."""
    if value is None:
        return ""
    if not isinstance(value, int | float):
        return "must be a number"
    if name in _NUMBER_BOUNDS:
        minimum, maximum, remedy = _NUMBER_BOUNDS[name]
        # False for NaN as well.
        if minimum <= value <= maximum:
            return ""
        return f"must be between {minimum:g} and {maximum:g}{remedy}"
    least, most = _INTEGER_BOUNDS[name]
    if least <= value and (most is None or value <= most):
        return ""
    return f"must be {least} or more" if most is None else f"must be between {least} and {most}"


def resolve(
    requested: GenerationOptions,
    defaults: GenerationOptions,
    *,
    prompt_tokens: int,
    context_tokens: int,
) -> SamplingParams:
    """Complete the requested options with defaults, and limit the answer to the model's context.

    `context_tokens` counts prompt and answer together.

    Raises:
        InvalidRequest: not even one new token fits, or the requested lengths contradict each other.
    """
    if prompt_tokens >= context_tokens:
        raise InvalidRequest(
            "input",
            f"{prompt_tokens} tokens",
            f"the model's context holds {context_tokens} tokens of prompt and answer together; "
            f"shorten the prompt to at most {context_tokens - 1} tokens",
        )
    values = {
        field.name: getattr(defaults, field.name)
        if getattr(requested, field.name) is None
        else getattr(requested, field.name)
        for field in fields(GenerationOptions)
    }
    values["stop"] = requested.stop
    values["logit_bias"] = requested.logit_bias
    values["choices"] = values.pop("num_return_sequences")
    values.pop("max_length")
    values["max_new_tokens"] = _max_new_tokens(requested, defaults, prompt_tokens, context_tokens)
    params = SamplingParams(**{name: value for name, value in values.items() if value is not None})
    if params.min_new_tokens > params.max_new_tokens:
        raise InvalidRequest(
            "options.min_new_tokens",
            params.min_new_tokens,
            f"only {params.max_new_tokens} new tokens are allowed; lower it",
        )
    return params


def _max_new_tokens(
    requested: GenerationOptions,
    defaults: GenerationOptions,
    prompt_tokens: int,
    context_tokens: int,
) -> int:
    remaining = context_tokens - prompt_tokens
    if requested.max_new_tokens is not None:
        return min(requested.max_new_tokens, remaining)
    if requested.max_length is not None:
        if requested.max_length <= prompt_tokens:
            raise InvalidRequest(
                "options.max_length",
                requested.max_length,
                f"the prompt alone has {prompt_tokens} tokens; "
                "raise max_length or set max_new_tokens",
            )
        return min(requested.max_length - prompt_tokens, remaining)
    return min(defaults.max_new_tokens or DEFAULT_NEW_TOKENS, remaining)
