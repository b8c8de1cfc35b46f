"""How to generate: what a request may ask for, its bounds, and the model's own defaults.

Pure. Knows neither gRPC nor an engine.
"""

from dataclasses import dataclass, fields

from model_server.errors import InvalidRequest

MAX_CHOICES = 16
MAX_BEAMS = 16
MAX_STOPS = 16
DEFAULT_NEW_TOKENS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a request, or a model's generation_config, sets. None leaves it to the next in line."""

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
class Sampling:
    """Every choice made: what one job's generation does. Neutral values switch a rule off."""

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


def check(options: Options) -> None:
    """Raise InvalidRequest for the first option that is out of its bounds."""
    bounds = [
        ("max_new_tokens", 1, None),
        ("max_length", 1, None),
        ("num_beams", 1, MAX_BEAMS),
        ("num_return_sequences", 1, MAX_CHOICES),
    ]
    for name, least, most in bounds:
        value = getattr(options, name)
        if value is not None and not (least <= value and (most is None or value <= most)):
            limits = f"{least} or more" if most is None else f"between {least} and {most}"
            raise InvalidRequest(f"options.{name}", value, f"must be {limits}")
    for name, most_real in (("temperature", 100.0), ("top_p", 1.0), ("typical_p", 1.0)):
        value = getattr(options, name)
        if value is not None and not 0 < value <= most_real:
            problem = f"must be above 0 and at most {most_real:g}"
            if name == "temperature":
                problem += "; for the likeliest token each time set do_sample to false"
            raise InvalidRequest(f"options.{name}", value, problem)
    _check_rest(options)


def _check_rest(options: Options) -> None:
    penalty = options.repetition_penalty
    if penalty is not None and not 0 < penalty < float("inf"):
        raise InvalidRequest("options.repetition_penalty", penalty, "must be above 0; 1 is off")
    if len(options.stop) > MAX_STOPS:
        raise InvalidRequest("options.stop", list(options.stop), f"at most {MAX_STOPS} strings")
    if not all(options.stop):
        raise InvalidRequest("options.stop", list(options.stop), "no string may be empty")
    beams, choices = options.num_beams or 1, options.num_return_sequences or 1
    if beams > 1 and choices > beams:
        raise InvalidRequest(
            "options.num_return_sequences", choices, f"must not be above num_beams, {beams}"
        )


def resolve(asked: Options, defaults: Options, *, prompt_tokens: int, context: int) -> Sampling:
    """Fill what was not asked for, and fit the answer's length into the context of the model.

    `context` counts tokens of prompt and answer. Raises InvalidRequest when not even one new
    token fits.
    """
    if prompt_tokens >= context:
        raise InvalidRequest(
            "input",
            f"{prompt_tokens} tokens",
            f"the model's context holds {context} tokens of prompt and answer together; "
            f"shorten the prompt to {context - 1} tokens or less",
        )
    values = {
        field.name: getattr(defaults, field.name)
        if getattr(asked, field.name) is None
        else getattr(asked, field.name)
        for field in fields(Options)
    }
    values["stop"] = asked.stop
    values["choices"] = values.pop("num_return_sequences")
    values.pop("max_length")
    values["max_new_tokens"] = _new_tokens(asked, defaults, prompt_tokens, context)
    sampling = Sampling(**{name: value for name, value in values.items() if value is not None})
    if sampling.min_new_tokens > sampling.max_new_tokens:
        raise InvalidRequest(
            "options.min_new_tokens",
            sampling.min_new_tokens,
            f"only {sampling.max_new_tokens} new tokens are allowed",
        )
    return sampling


def _new_tokens(asked: Options, defaults: Options, prompt_tokens: int, context: int) -> int:
    left = context - prompt_tokens
    if asked.max_new_tokens is not None:
        return min(asked.max_new_tokens, left)
    if asked.max_length is not None:
        if asked.max_length <= prompt_tokens:
            raise InvalidRequest(
                "options.max_length",
                asked.max_length,
                f"the prompt alone has {prompt_tokens} tokens; "
                "raise max_length or set max_new_tokens",
            )
        return min(asked.max_length - prompt_tokens, left)
    return min(defaults.max_new_tokens or DEFAULT_NEW_TOKENS, left)
