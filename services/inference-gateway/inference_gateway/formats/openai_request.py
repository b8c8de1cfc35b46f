"""Parses a body of the OpenAI API into its schema and the contract's options."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.openai_schema import CommonFields
from inference_gateway.formats.schema_types import MAX_MESSAGES, stop_strings
from kaito.inference.v1 import inference_pb2 as pb

_Request = TypeVar("_Request", bound=BaseModel)
# Read where a replica is chosen (endpoints/prompt_start.py), and nowhere here.
_ROUTING = frozenset(("prompt_cache_key",))


def parse_body(schema: type[_Request], body: bytes) -> _Request:
    """The body as `schema`.

    Raises:
        RequestRejected: 400, naming the first wrong field.
    """
    try:
        return schema.model_validate_json(body, context={"parts_left": MAX_MESSAGES})
    except ValidationError as error:
        raise RequestRejected(_invalid_body(error, body)) from None


def _invalid_body(error: ValidationError, body: bytes) -> Problem:
    name, kind, message = meant_error(error, body)
    if kind == "json_invalid":
        return Problem(status=400, message=f"the body is not JSON: {message}")
    if kind == "missing":
        message, code = f"missing required parameter: {name!r}", "missing_required_parameter"
    else:
        message = f"{name or 'the body'}: {message}"
        code = "invalid_type" if kind.endswith("_type") else "invalid_value"
    return Problem(status=400, message=message, param=name, code=code)


def meant_error(error: ValidationError, body: bytes) -> tuple[str | None, str, str]:
    """Name, kind and message of the first error, about the field as the client sent it.

    A union reports one error per member. The deepest error, and among those one that is not about
    the type alone, comes from the member that the client meant.
    """
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        return None, "json_invalid", errors[0]["msg"]
    sent = json.loads(body)
    path, kind, message = max(
        ((_sent_path(each, sent), each["type"], each["msg"]) for each in errors),
        key=lambda each: (len(each[0]), not each[1].endswith("_type")),
    )
    return ".".join(path) or None, kind, message


def _sent_path(error: ErrorDetails, sent: Any) -> tuple[str, ...]:
    """pydantic's `loc` without the names of union members, which the client did not send."""
    path: list[str] = []
    missing = error["loc"][-1:] if error["type"] == "missing" else ()
    for part in error["loc"]:
        if isinstance(sent, dict) and (part in sent or part in missing):
            path.append(str(part))
            sent = sent.get(part)
        elif isinstance(sent, list) and isinstance(part, int):
            path.append(str(part))
            sent = sent[part]
    return tuple(path)


def reject_unsupported(**values: object) -> None:
    """Rejects parameters that would have an effect: those not None, false, 0 or empty.

    Raises:
        RequestRejected: 400, naming the first of them.
    """
    for name, value in values.items():
        if value:
            raise RequestRejected(unsupported(name))


def unsupported(name: str) -> Problem:
    return Problem(
        status=400,
        message=f"{name} is not supported by this server; leave it out",
        param=name,
        code="unsupported_parameter",
    )


def set_extras(model: BaseModel) -> list[str]:
    """The unknown fields of an object that are not null."""
    extra = model.model_extra or {}
    return [name for name, value in extra.items() if value is not None and name not in _ROUTING]


# The contract's options under OpenAI's names, except for max_new_tokens, which has several.
OPTION_NAMES: Mapping[str, str] = {
    "min_new_tokens": "min_tokens",
    "num_return_sequences": "n",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "typical_p": "typical_p",
    "repetition_penalty": "repetition_penalty",
    "length_penalty": "length_penalty",
    "stop": "stop",
    "seed": "seed",
    "min_p": "min_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "logit_bias": "logit_bias",
    "ignore_eos": "ignore_eos",
    "logprobs": "logprobs",
    "return_token_ids": "return_token_ids",
}
# Those of them that are sent as they are, by OpenAI's names.
_PLAIN_OPTIONS = {
    "min_tokens": "min_new_tokens",
    "top_p": "top_p",
    "typical_p": "typical_p",
    "repetition_penalty": "repetition_penalty",
    "length_penalty": "length_penalty",
    "n": "num_return_sequences",
    "seed": "seed",
}
# Left out at a value that means nothing: not every engine answers these.
_NEUTRAL_AT_ZERO = frozenset(
    ("min_p", "frequency_penalty", "presence_penalty", "ignore_eos", "return_token_ids")
)


def generation_options(request: CommonFields, max_new_tokens: int | None) -> pb.GenerationOptions:
    """The options that the request sets; the model's defaults apply to the rest."""
    sent = request.model_fields_set
    options = pb.GenerationOptions(max_new_tokens=max_new_tokens)
    for name in sent & _PLAIN_OPTIONS.keys():
        if (value := getattr(request, name)) is not None:
            setattr(options, _PLAIN_OPTIONS[name], value)
    for name in sent & _NEUTRAL_AT_ZERO:
        if value := getattr(request, name):
            setattr(options, name, value)
    if "stop" in sent:
        options.stop.extend(stop_strings(request.stop))
    for key, bias in (request.logit_bias or {}).items():
        options.logit_bias[int(key)] = bias
    if request.top_k is not None:
        # -1 also turns it off, as in vLLM; the contract only knows 0.
        options.top_k = max(request.top_k, 0)
    if request.temperature == 0:
        options.do_sample = False
    elif request.temperature is not None:
        options.temperature = request.temperature
        options.do_sample = True
    elif request.top_p is not None or request.top_k is not None or request.min_p:
        options.do_sample = True
    return options
