"""Generation options: what a request may set, their bounds, and the model's own defaults.

Pure. Knows neither gRPC nor an engine.
"""

from dataclasses import dataclass, fields

from model_server.errors import InvalidRequest

# The contract's bounds. Each choice and each beam is a separate sequence in memory.
MAX_CHOICES = 16
MAX_BEAMS = 16
MAX_STOP_STRINGS = 16
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


def validate(options: GenerationOptions) -> None:
    """Check every option against its bounds.

    Raises:
        InvalidRequest: names the first option that is out of bounds.
    """
    bounds = [
        ("max_new_tokens", 1, None),
        ("max_length", 1, None),
        ("num_beams", 1, MAX_BEAMS),
        ("num_return_sequences", 1, MAX_CHOICES),
    ]
    for name, minimum, maximum in bounds:
        value = getattr(options, name)
        if value is not None and not (minimum <= value and (maximum is None or value <= maximum)):
            allowed = (
                f"{minimum} or more" if maximum is None else f"between {minimum} and {maximum}"
            )
            raise InvalidRequest(f"options.{name}", value, f"must be {allowed}")
    for name, upper_bound in (("temperature", 100.0), ("top_p", 1.0), ("typical_p", 1.0)):
        value = getattr(options, name)
        if value is not None and not 0 < value <= upper_bound:
            problem = f"must be above 0 and at most {upper_bound:g}"
            if name == "temperature":
                problem += "; to always take the likeliest token, set do_sample to false"
            raise InvalidRequest(f"options.{name}", value, problem)
    _validate_rest(options)


def _validate_rest(options: GenerationOptions) -> None:
    penalty = options.repetition_penalty
    if penalty is not None and not 0 < penalty < float("inf"):
        raise InvalidRequest(
            "options.repetition_penalty", penalty, "must be above 0; 1 turns it off"
        )
    if len(options.stop) > MAX_STOP_STRINGS:
        raise InvalidRequest(
            "options.stop", list(options.stop), f"must be at most {MAX_STOP_STRINGS} strings"
        )
    if not all(options.stop):
        raise InvalidRequest("options.stop", list(options.stop), "must not contain an empty string")
    beams, choices = options.num_beams or 1, options.num_return_sequences or 1
    if beams > 1 and choices > beams:
        raise InvalidRequest(
            "options.num_return_sequences", choices, f"must not exceed num_beams, {beams}"
        )


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
