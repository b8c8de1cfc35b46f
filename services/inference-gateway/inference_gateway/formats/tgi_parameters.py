"""Parses a body of the text-generation-inference API into its schema and the contract's options."""

from collections.abc import Collection, Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.openai_request import meant_error, set_extras, unsupported
from inference_gateway.formats.schema_types import stop_strings
from inference_gateway.formats.structured_output import json_schema, schema_output
from inference_gateway.formats.tgi_schema import (
    TgiJsonGrammar,
    TgiParameters,
    TgiRegexGrammar,
    TgiRequest,
    TgiSchemaGrammar,
)
from kaito.inference.v1 import inference_pb2 as pb

_Body = TypeVar("_Body", bound=BaseModel)
_Request = TypeVar("_Request", bound=TgiRequest)
_DEFAULTS = TgiParameters.model_validate({})

# The contract's options under the names of `parameters`.
OPTION_NAMES: Mapping[str, str] = {
    **{
        name: name
        for name in "max_new_tokens do_sample temperature top_k top_p typical_p repetition_penalty "
        "frequency_penalty stop seed".split()
    },
    "logprobs": "details",
    "top_logprobs": "top_n_tokens",
    "prompt_logprobs": "decoder_input_details",
}


def parse_schema(schema: type[_Body], body: bytes) -> _Body:
    """The body as `schema`.

    Raises:
        RequestRejected: a field is wrong.
    """
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        raise RequestRejected(_invalid_body(error, body)) from None


def reject_unavailable(**given: object) -> None:
    """Rejects the fields that were given and have an effect that this server does not have.

    Raises:
        RequestRejected: 422, naming the first of them.
    """
    for name, value in given.items():
        if value:
            raise RequestRejected(validation(unsupported(name).message, name))


def parse_body(schema: type[_Request], body: bytes) -> _Request:
    """The body as `schema`.

    Raises:
        RequestRejected: a field is wrong, or has an effect that this server does not have.
    """
    request = parse_schema(schema, body)
    parameters = request.parameters or _DEFAULTS
    unavailable = {
        "best_of": (parameters.best_of or 0) > 1,
        "truncate": parameters.truncate is not None,
        "watermark": parameters.watermark,
    }
    reject_unavailable(**{f"parameters.{name}": given for name, given in unavailable.items()})
    if request.model and request.parameters and request.parameters.adapter_id:
        message = "model and parameters.adapter_id both name a model; leave one of them out"
        raise RequestRejected(validation(message, "parameters.adapter_id"))
    return request


def generation_options(
    parameters: TgiParameters | None, features: Collection[str]
) -> pb.GenerationOptions:
    """The options of a request. Unlike elsewhere, greedy unless a parameter asks for sampling."""
    given = parameters or _DEFAULTS
    # Details are more than tokens: an engine without their log probabilities gives the rest.
    has_logprobs = "options.logprobs" in features or given.top_n_tokens
    warps = given.temperature not in (None, 1.0)
    cuts = any(each is not None for each in (given.top_k, given.top_p, given.typical_p))
    return pb.GenerationOptions(
        max_new_tokens=given.max_new_tokens,
        do_sample=bool(given.do_sample) or warps or cuts,
        temperature=given.temperature,
        top_k=given.top_k,
        top_p=given.top_p,
        typical_p=given.typical_p,
        repetition_penalty=given.repetition_penalty,
        stop=stop_strings(given.stop),
        seed=given.seed,
        frequency_penalty=given.frequency_penalty or None,
        logprobs=True if given.details and has_logprobs else None,
        top_logprobs=given.top_n_tokens if given.details and given.top_n_tokens else None,
        prompt_logprobs=True if given.details and given.decoder_input_details else None,
    )


def structured_output(parameters: TgiParameters | None) -> pb.StructuredOutput | None:
    """What the answer has to match."""
    match parameters.grammar if parameters else None:
        case TgiJsonGrammar(value=value):
            return json_schema(value, "parameters.grammar.value")
        case TgiSchemaGrammar(value=named):
            return schema_output(named.json_schema)
        case TgiRegexGrammar(value=regex):
            return pb.StructuredOutput(regex=regex)
    return None


def ignored_parameters(request: TgiRequest) -> tuple[str, ...]:
    """The given fields that have no effect here: known ones, then unknown ones as they came."""
    parameters = request.parameters or _DEFAULTS
    names = set_extras(parameters)
    if not parameters.details:
        # They are parts of the details.
        parts = ("top_n_tokens", "decoder_input_details")
        names = [*(name for name in parts if getattr(parameters, name)), *names]
    return (*set_extras(request), *(f"parameters.{name}" for name in names))


def _invalid_body(error: ValidationError, body: bytes) -> Problem:
    name, kind, message = meant_error(error, body)
    if kind == "json_invalid":
        return validation(f"the body is not JSON: {message}")
    if kind == "missing":
        return validation(f"missing required field: {name!r}", name)
    return validation(f"{name or 'the body'}: {message}", name)


def validation(message: str, param: str | None = None) -> Problem:
    """That API's answer to whatever is wrong with a body."""
    return Problem(status=422, message=message, param=param, code="validation")
