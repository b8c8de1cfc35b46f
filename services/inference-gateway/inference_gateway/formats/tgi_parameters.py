"""Parses a body of the text-generation-inference API into its schema and the contract's options."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationError

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.openai_request import set_extras, unsupported
from inference_gateway.formats.openai_schema import stop_strings
from inference_gateway.formats.tgi_schema import TgiParameters, TgiRequest
from kaito.inference.v1 import inference_pb2 as pb

_Request = TypeVar("_Request", bound=TgiRequest)
_DEFAULTS = TgiParameters.model_validate({})

# The contract's options under the names of `parameters`.
OPTION_NAMES: Mapping[str, str] = {
    name: name
    for name in "max_new_tokens do_sample temperature top_k top_p typical_p repetition_penalty "
    "stop seed".split()
}


def parse_body(schema: type[_Request], body: bytes) -> _Request:
    """The body as `schema`.

    Raises:
        RequestRejected: a field is wrong, or has an effect that this server does not have.
    """
    try:
        request = schema.model_validate_json(body)
    except ValidationError as error:
        raise RequestRejected(_invalid_body(error)) from None
    _reject_unsupported(request.parameters or _DEFAULTS)
    if request.model and request.parameters and request.parameters.adapter_id:
        message = "model and parameters.adapter_id both name a model; leave one of them out"
        raise RequestRejected(_validation(message, "parameters.adapter_id"))
    return request


def generation_options(parameters: TgiParameters | None) -> pb.GenerationOptions:
    """The options of a request. Unlike elsewhere, greedy unless a parameter asks for sampling."""
    given = parameters or _DEFAULTS
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
    )


def ignored_parameters(request: TgiRequest) -> tuple[str, ...]:
    """The given fields that have no effect here: known ones, then unknown ones as they came."""
    parameters = request.parameters or _DEFAULTS
    names = ["frequency_penalty"] if parameters.frequency_penalty else []
    names += set_extras(parameters)
    return (*set_extras(request), *(f"parameters.{name}" for name in names))


def _reject_unsupported(parameters: TgiParameters) -> None:
    unavailable = {
        "best_of": (parameters.best_of or 0) > 1,
        "decoder_input_details": parameters.decoder_input_details,
        "grammar": parameters.grammar is not None,
        "top_n_tokens": parameters.top_n_tokens,
        "truncate": parameters.truncate is not None,
        "watermark": parameters.watermark,
    }
    for name, given in unavailable.items():
        if given:
            problem = unsupported(f"parameters.{name}")
            raise RequestRejected(_validation(problem.message, problem.param))


def _invalid_body(error: ValidationError) -> Problem:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return _validation(f"the body is not JSON: {first['msg']}")
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return _validation(f"missing required field: {name!r}", name)
    return _validation(f"{name or 'the body'}: {first['msg']}", name or None)


def _validation(message: str, param: str | None = None) -> Problem:
    # That API's status for whatever is wrong with a body.
    return Problem(status=422, message=message, param=param, code="validation")
