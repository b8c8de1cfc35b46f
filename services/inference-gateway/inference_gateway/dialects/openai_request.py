"""Reads a body of the OpenAI API into its schema and the contract's options."""

import json
from typing import Any, TypeVar

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
        raise Refused(_invalid(error, body)) from None


def _invalid(error: ValidationError, body: bytes) -> Problem:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if found[0]["type"] == "json_invalid":
        return Problem(status=400, message=f"the body is not JSON: {found[0]['msg']}")
    # A union complains once for each of its members; who looked deepest, beyond the mere type,
    # says most.
    sent = json.loads(body)
    param, kind, message = max(
        ((_path(each["loc"], sent), each["type"], each["msg"]) for each in found),
        key=lambda each: (len(each[0]), not each[1].endswith("_type")),
    )
    name = ".".join(param) or None
    if kind == "missing":
        message, code = f"missing required parameter: {name!r}", "missing_required_parameter"
    else:
        message = f"{name or 'the body'}: {message}"
        code = "invalid_type" if kind.endswith("_type") else "invalid_value"
    return Problem(status=400, message=message, param=name, code=code)


def _path(loc: tuple[int | str, ...], sent: Any) -> tuple[str, ...]:
    """`loc` without the names of union members, which are no part of what was sent."""
    path: list[str] = []
    for number, part in enumerate(loc):
        if isinstance(sent, dict) and (part in sent or number == len(loc) - 1):
            path.append(str(part))
            sent = sent.get(part)
        elif isinstance(sent, list) and isinstance(part, int):
            path.append(str(part))
            sent = sent[part]
    return tuple(path)


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
