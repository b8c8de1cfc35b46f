"""Answers a call: with its response, or with the status of an expected failure."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn, TypeVar

import grpc

from kaito_grpc.field_violations import FieldViolation, to_trailers
from model_server.calls.call import Call
from model_server.contract.status_codes import STATUS_CODES
from model_server.errors import InferenceError, InvalidRequest

_UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
# gRPC's own trailer for "call again". Only admission answers UNAVAILABLE, before a request starts:
# the trailer tells this refusal from a connection that was lost after the start.
_NOT_STARTED = (("grpc-retry-pushback-ms", "0"),)
Context = grpc.aio.ServicerContext[Any, Any]
Response = TypeVar("Response")


async def respond(
    context: Context, call: Call | None, work: Callable[[], Awaitable[Response]]
) -> Response:
    """Do the work; an expected failure becomes its status."""
    try:
        return await work()
    except InferenceError as error:
        await abort(context, call, error)
    except BaseException as error:
        if call:
            call.end(status_code(error))
        raise


async def respond_stream(
    context: Context, call: Call, responses: AsyncGenerator[Response, None]
) -> AsyncIterator[Response]:
    """Pass the responses on; an expected failure becomes its status."""
    try:
        async with aclosing(responses):
            async for response in responses:
                yield response
        call.end(grpc.StatusCode.OK)
    except InferenceError as error:
        await abort(context, call, error)
    except BaseException as error:
        call.end(status_code(error))
        raise


async def abort(context: Context, call: Call | None, error: InferenceError) -> NoReturn:
    """End the call with the error's status."""
    code = STATUS_CODES[type(error)]
    if call:
        call.end(code, error.log_message)
    await context.abort(code, error.message, _trailers(code, error))
    raise AssertionError("abort always raises")


def _trailers(code: grpc.StatusCode, error: InferenceError) -> Any:
    if isinstance(error, InvalidRequest):
        return to_trailers(error.message, FieldViolation(error.field, error.problem))
    return _NOT_STARTED if code is _UNAVAILABLE else ()


def status_code(error: BaseException) -> grpc.StatusCode:
    """INTERNAL, or CANCELLED for a client that left.

    gRPC cancels the call's task, and closes its generator, when the client disconnects or its
    deadline passes; neither is an Exception.
    """
    if isinstance(error, Exception):
        return grpc.StatusCode.INTERNAL
    return grpc.StatusCode.CANCELLED
