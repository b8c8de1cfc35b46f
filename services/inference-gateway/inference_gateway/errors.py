"""Error responses: one table from gRPC codes to HTTP statuses, and two body shapes.

Problem           an error response as a value: status, message, and OpenAI's type, param and code
RequestRejected   carries a Problem to the place that renders it

The OpenAI routes answer {"error": {...}}; all other routes answer {"detail": ...} as FastAPI does.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grpc import StatusCode

from inference_gateway.backends.backend import BackendError

# nginx's status for a client that closed the connection. It is only logged and counted: nobody is
# left to receive it.
CLIENT_CLOSED_REQUEST = 499
# Seconds by status: a full queue frees a place sooner than a model-server becomes ready.
_RETRY_AFTER_SECONDS = {429: 1, 503: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error response. `fields` holds FastAPI's list of field errors, for the 422 of /chat.

    `retry_after` is when a retry may succeed, where that is known; 0 says that it never will.
    """

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    fields: tuple[Mapping[str, Any], ...] = ()
    retry_after: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def log_message(self) -> str:
        """The message for the log: without a client's values, where the client is at fault."""
        if self.status >= 500:
            return self.message
        return f"{self.code or 'rejected'}: {self.param}" if self.param else self.code or "rejected"

    @property
    def retry_after_seconds(self) -> int | None:
        """Seconds after which a retry may succeed; None when a retry cannot help."""
        if self.retry_after is not None:
            return self.retry_after or None
        return _RETRY_AFTER_SECONDS.get(self.status)


class RequestRejected(Exception):
    """The request ends with this problem instead of an answer."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class NotReady(RequestRejected):
    """503: the model exists, and none of its model-servers can answer now."""


# gRPC code -> HTTP status, OpenAI's type, OpenAI's code
STATUS: Mapping[StatusCode, tuple[int, str, str]] = {
    # No failed call should carry OK; the table covers every code all the same.
    StatusCode.OK: (500, "server_error", "no_answer"),
    StatusCode.CANCELLED: (CLIENT_CLOSED_REQUEST, "server_error", "cancelled"),
    StatusCode.UNKNOWN: (502, "server_error", "bad_gateway"),
    StatusCode.INVALID_ARGUMENT: (400, "invalid_request_error", "invalid_value"),
    StatusCode.DEADLINE_EXCEEDED: (504, "timeout_error", "timeout"),
    StatusCode.NOT_FOUND: (404, "invalid_request_error", "model_not_found"),
    StatusCode.ALREADY_EXISTS: (409, "invalid_request_error", "already_exists"),
    StatusCode.PERMISSION_DENIED: (403, "permission_error", "permission_denied"),
    StatusCode.UNAUTHENTICATED: (401, "authentication_error", "unauthenticated"),
    StatusCode.RESOURCE_EXHAUSTED: (429, "rate_limit_error", "rate_limit_exceeded"),
    StatusCode.FAILED_PRECONDITION: (400, "invalid_request_error", "failed_precondition"),
    StatusCode.ABORTED: (409, "server_error", "aborted"),
    StatusCode.OUT_OF_RANGE: (400, "invalid_request_error", "out_of_range"),
    StatusCode.UNIMPLEMENTED: (501, "server_error", "not_implemented"),
    StatusCode.INTERNAL: (500, "server_error", "internal_error"),
    StatusCode.UNAVAILABLE: (503, "server_error", "service_unavailable"),
    StatusCode.DATA_LOSS: (500, "server_error", "data_loss"),
}


def from_backend(error: BackendError, sent_name: Callable[[str], str | None]) -> Problem:
    """The model-server's error. Its field gets the name that the client sent it under, if any.

    `sent_name` turns a path in the contract's request into that name.
    """
    status, kind, code = STATUS[error.code]
    field = "model" if error.code is StatusCode.NOT_FOUND else error.field
    param = sent_name(field) if field else None
    message = error.message
    if param and error.field and message.startswith(field):
        message = param + message[len(field) :]
    return Problem(status=status, message=message, type=kind, param=param, code=code)


def body_too_large(limit_bytes: int) -> Problem:
    return Problem(
        status=413,
        message=f"the request body is larger than {limit_bytes} bytes; "
        "send less, or raise KAITO_MAX_BODY_BYTES",
        code="request_too_large",
    )


def body_too_slow(seconds: float) -> Problem:
    return Problem(
        status=408, message=f"the request body did not arrive within {seconds:g} s", code="timeout"
    )


def too_many_requests(message: str, *, retry_after: int | None = None) -> Problem:
    return Problem(
        status=429,
        message=message,
        type="rate_limit_error",
        code="rate_limit_exceeded",
        retry_after=retry_after,
    )


def timed_out(seconds: float) -> Problem:
    return Problem(
        status=504,
        message=f"no complete answer within {seconds:g} s; request fewer tokens, stream, "
        "or raise KAITO_REQUEST_TIMEOUT_SECONDS",
        type="timeout_error",
        code="timeout",
    )


def unknown_model(name: str, known: Iterable[str]) -> Problem:
    return Problem(
        status=404,
        message=f"model {name!r} does not exist; available: {', '.join(known) or 'none'}",
        param="model",
        code="model_not_found",
    )


def unavailable(message: str) -> Problem:
    return Problem(status=503, message=message, type="server_error", code="service_unavailable")


def internal(request_id: str) -> Problem:
    return Problem(
        status=500,
        message=f"the gateway failed; its log has the cause under request id {request_id}",
        type="server_error",
        code="internal_error",
    )


def openai_body(problem: Problem) -> bytes:
    """{"error": {"message", "type", "param", "code"}}"""
    error = {
        "message": problem.message,
        "type": problem.type,
        "param": problem.param,
        "code": problem.code,
    }
    return json.dumps({"error": error}, ensure_ascii=False).encode()


def detail_body(problem: Problem) -> bytes:
    """{"detail": text}, or FastAPI's list of field errors if there is one."""
    detail: Any = list(problem.fields) or problem.message
    return json.dumps({"detail": detail}, ensure_ascii=False).encode()
