"""Gives every call of an asyncio server a status that names the cause. See call_errors."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc

from kaito_grpc import call_errors

_INVALID_ARGUMENT, _INTERNAL = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL
Behavior = Callable[[Any, Any], Any]


class CheckedCalls(grpc.aio.ServerInterceptor):
    """Wraps the handler of each method, once."""

    def __init__(self) -> None:
        self._wrapped: dict[str, Any] = {}

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        method: str = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None
            self._wrapped[method] = _wrap(method, handler)
        return self._wrapped[method]


def _wrap(method: str, handler: Any) -> Any:
    if handler.request_streaming:
        # Only reflection streams its requests, and it streams its responses as well.
        return grpc.stream_stream_rpc_method_handler(
            _checked_both_streams(method, handler),
            response_serializer=handler.response_serializer,
        )
    if not handler.response_streaming:
        return grpc.unary_unary_rpc_method_handler(
            _checked(method, handler, handler.unary_unary),
            response_serializer=handler.response_serializer,
        )
    # A behavior yields its messages, or writes them itself.
    check = _checked_stream if inspect.isasyncgenfunction(handler.unary_stream) else _checked
    return grpc.unary_stream_rpc_method_handler(
        check(method, handler, handler.unary_stream),
        response_serializer=handler.response_serializer,
    )


def _checked(method: str, handler: Any, behavior: Behavior) -> Behavior:
    async def call(raw: bytes, context: Any) -> Any:
        request = await _decode(method, handler, raw, context)
        try:
            return await behavior(request, context)
        except grpc.aio.AbortError:
            raise
        except Exception as error:
            await _abort(method, error, context)

    return call


def _checked_stream(method: str, handler: Any, behavior: Behavior) -> Behavior:
    async def stream(raw: bytes, context: Any) -> AsyncIterator[Any]:
        request = await _decode(method, handler, raw, context)
        async for message in _checked_messages(method, behavior(request, context), context):
            yield message

    return stream


def _checked_both_streams(method: str, handler: Any) -> Behavior:
    async def stream(raws: AsyncIterator[bytes], context: Any) -> AsyncIterator[Any]:
        async def requests() -> AsyncIterator[Any]:
            async for raw in raws:
                yield await _decode(method, handler, raw, context)

        responses = handler.stream_stream(requests(), context)
        async for message in _checked_messages(method, responses, context):
            yield message

    return stream


async def _checked_messages(
    method: str, responses: AsyncGenerator[Any, None], context: Any
) -> AsyncIterator[Any]:
    try:
        async with aclosing(responses) as messages:
            async for message in messages:
                yield message
    except grpc.aio.AbortError:
        raise
    except Exception as error:
        await _abort(method, error, context)


async def _abort(method: str, error: Exception, context: Any) -> None:
    """End a call whose behavior raised."""
    if isinstance(error, grpc.aio.InternalError):
        raise _left(error)
    if isinstance(error, NotImplementedError):
        unimplemented = grpc.StatusCode.UNIMPLEMENTED, call_errors.unimplemented(method)
        await _refuse(context, *unimplemented)
    call_errors.log_defect(method)
    await _refuse(context, _INTERNAL, call_errors.DEFECT)


async def _decode(method: str, handler: Any, raw: bytes, context: Any) -> Any:
    request = call_errors.decode(handler, raw)
    if request is None:
        await _refuse(context, _INVALID_ARGUMENT, call_errors.undecodable(method))
    return request


async def _refuse(context: Any, code: grpc.StatusCode, message: str) -> None:
    try:
        await context.abort(code, message)
    except grpc.aio.InternalError as error:
        raise _left(error) from None


def _left(error: grpc.aio.InternalError) -> asyncio.CancelledError:
    """The status could not be sent, because the client has left: no defect, and nobody to tell.

    grpc raises it in the calls of clients that leave earlier. It logs any other exception.
    """
    return asyncio.CancelledError(str(error))
