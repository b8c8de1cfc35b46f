"""Reads a body of the OpenAI API into its schema and the contract's options."""

from typing import TypeVar

from pydantic import ValidationError

from inference_gateway.dialects.openai_schema import Sampling
from inference_gateway.errors import Problem, Refused
from kaito.inference.v1 import inference_pb2 as pb

_Request = TypeVar("_Request", bound=Sampling)
_IGNORED = ("presence_penalty", "frequency_penalty", "logit_bias")


def read(schema: type[_Request], body: bytes) -> _Request:
    """Raises Refused with 400 naming the first field that is wrong."""
    try:
        return schema.model_validate_json(body)
    except ValidationError as error:
        raise Refused(_invalid(error)) from None


def _invalid(error: ValidationError) -> Problem:
    # A union reports one error for each of its members; the deepest is the most telling.
    found = error.errors(include_url=False, include_context=False, include_input=False)
    first = max(found, key=lambda each: len(each["loc"]))
    param = ".".join(str(part) for part in first["loc"]) or None
    if first["type"] == "json_invalid":
        return Problem(status=400, message=f"the body is not JSON: {first['msg']}")
    if first["type"] == "missing":
        message, code = f"missing required parameter: {param!r}", "missing_required_parameter"
    else:
        message, code = f"{param or 'the body'}: {first['msg']}", "invalid_value"
        code = "invalid_type" if first["type"].endswith("_type") else code
    return Problem(status=400, message=message, param=param, code=code)


def refuse_unsupported(**values: object) -> None:
    """Raises Refused for the first parameter that asks for something (is not None, 0, empty)."""
    for name, value in values.items():
        if value:
            raise Refused(unsupported(name))


def unsupported(name: str) -> Problem:
    return Problem(
        status=400,
        message=f"{name} is not supported by this server; leave it out",
        param=name,
        code="unsupported_parameter",
    )


def ignored(request: Sampling) -> tuple[str, ...]:
    """Those given fields that change nothing here."""
    return tuple(name for name in _IGNORED if getattr(request, name))


def options(request: Sampling, max_new_tokens: int | None) -> pb.GenerationOptions:
    """What the request asks for; what it leaves out stays the model's own default."""
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
    found = pb.GenerationOptions(
        max_new_tokens=max_new_tokens,
        min_new_tokens=request.min_tokens,
        top_p=request.top_p,
        typical_p=request.typical_p,
        repetition_penalty=request.repetition_penalty,
        length_penalty=request.length_penalty,
        num_return_sequences=request.n,
        stop=stop,
        seed=request.seed,
    )
    if request.top_k is not None:
        found.top_k = max(request.top_k, 0)
    if request.temperature == 0:
        found.do_sample = False
    elif request.temperature is not None:
        found.temperature = request.temperature
        found.do_sample = True
    elif request.top_p is not None or request.top_k is not None:
        found.do_sample = True
    return found
