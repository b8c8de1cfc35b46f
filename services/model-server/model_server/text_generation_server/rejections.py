"""What the server's errors mean. Pure.

422, validation                     InvalidRequest: the message begins with the name of a field
422, of templates and tools         InvalidRequest
404                                 InvalidRequest: no tokenizer, or no such route
429, overloaded                     Overloaded
424, generation, and any other      GenerationFailed: other requests are not affected

An answer that is streamed has status 200 from its beginning, so its errors are told by their type.
"""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from model_server.errors import GenerationFailed, InferenceError, InvalidRequest, Overloaded

_REJECTED = (400, 404, 413, 422)
_STATUS_OF_TYPE: Mapping[str, int] = {
    "validation": 422,
    "template_error": 422,
    "missing_template_variable": 422,
    "tool_error": 422,
    "overloaded": 429,
}
# Names of parameters, and the contract's paths.
_FIELDS: Mapping[str, str] = {
    "inputs": "input",
    "grammar": "structured_output",
    "top_n_tokens": "options.top_logprobs",
    **{
        name: f"options.{name}"
        for name in (
            "temperature repetition_penalty frequency_penalty top_k top_p typical_p max_new_tokens "
            "stop seed"
        ).split()
    },
}
_NAME = re.compile(r"`(\w+)`")
# What is in front of every message of a validation.
_PREFIX = "Input validation error: "
_MAX_CHARACTERS = 500


def of_response(status: int, body: bytes, default_field: str) -> InferenceError:
    """The error of a response with a status of its own."""
    text = body.decode(errors="replace")
    try:
        # The document has errors of streams as events, too.
        error = json.loads(text.removeprefix("data:"))
        message = str(error["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        message = text
    return _error(status, message, default_field)


def of_event(event: Mapping[str, Any], default_field: str) -> InferenceError:
    """The error that a stream has in place of the next token."""
    status = _STATUS_OF_TYPE.get(str(event.get("error_type")), 0)
    return _error(status, str(event["error"]), default_field)


def _error(status: int, message: str, default_field: str) -> InferenceError:
    message = message[:_MAX_CHARACTERS]
    if status in _REJECTED:
        message = message.removeprefix(_PREFIX)
        found = _NAME.search(message)
        field = _FIELDS.get(found[1], default_field) if found else default_field
        return InvalidRequest(field, "...", f"the engine rejects it: {message}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Overloaded(f"the engine is full: {message}")
    return GenerationFailed(f"the engine gave up the answer: {message}")
