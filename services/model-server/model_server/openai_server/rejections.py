"""What the server's errors mean. Pure.

400, 404, 413, 422          InvalidRequest: the server names the cause
429                         Overloaded
any other status            GenerationFailed: other requests are not affected
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from model_server.errors import GenerationFailed, InferenceError, InvalidRequest, Overloaded
from model_server.openai_server.request_bodies import contract_field

_REJECTED = (400, 404, 413, 422)
# How much of a server's error is shown.
_MAX_ERROR_CHARACTERS = 500


def of_response(status: int, body: bytes, default_field: str) -> InferenceError:
    """The error of a response. `body` is of OpenAI's form, or of any other."""
    text = body.decode(errors="replace")
    try:
        error = json.loads(text)
        error = error.get("error", error)
        message, name = error.get("message") or error.get("detail") or text, error.get("param")
    except (ValueError, AttributeError, RecursionError):
        message, name = text, None
    return _error(status, str(message), name, default_field)


def of_event(error: object, default_field: str) -> InferenceError:
    """The error that a stream has in place of an answer; its code is a status."""
    if not isinstance(error, Mapping):
        return GenerationFailed(
            f"the engine gave up the answer: {error!s:.{_MAX_ERROR_CHARACTERS}}"
        )
    code, message = error.get("code"), str(error.get("message", error))
    status = code if isinstance(code, int) else 0
    if status not in (*_REJECTED, HTTPStatus.TOO_MANY_REQUESTS):
        return GenerationFailed(f"the engine gave up the answer: {message[:_MAX_ERROR_CHARACTERS]}")
    return _error(status, message, error.get("param"), default_field)


def _error(status: int, message: str, name: Any, default_field: str) -> InferenceError:
    message = message[:_MAX_ERROR_CHARACTERS]
    if status in _REJECTED:
        own = name if isinstance(name, str) else None
        field = contract_field(own) or own or default_field
        return InvalidRequest(field, "...", f"the engine rejects it: {message}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Overloaded(f"the engine is full: {message}")
    return GenerationFailed(f"the engine answers {status}: {message}")
