"""Gives every call of a threaded server a status that names the cause. See call_errors."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc

from kaito_grpc import call_errors

_INVALID_ARGUMENT, _INTERNAL = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL
Behavior = Callable[[Any, Any], Any]


class CheckedThreadedCalls(grpc.ServerInterceptor):
    """Wraps the handler of each method."""

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        handler = continuation(handler_call_details)
        # Only reflection streams its requests.
        if handler is None or handler.request_streaming:
            return handler
        # Only health watchers have this; wrapped, each of them would occupy a worker.
        if getattr(handler.unary_stream, "experimental_non_blocking", False):
            return handler
        method: str = handler_call_details.method
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(
                _checked_stream(method, handler), response_serializer=handler.response_serializer
            )
        return grpc.unary_unary_rpc_method_handler(
            _checked(method, handler), response_serializer=handler.response_serializer
        )


def _checked(method: str, handler: Any) -> Behavior:
    def call(raw: bytes, context: Any) -> Any:
        request = _decode(method, handler, raw, context)
        try:
            return handler.unary_unary(request, context)
        except Exception:
            _abort_defect(method, context)

    return call


def _checked_stream(method: str, handler: Any) -> Behavior:
    def stream(raw: bytes, context: Any) -> Iterator[Any]:
        request = _decode(method, handler, raw, context)
        try:
            yield from handler.unary_stream(request, context)
        except Exception:
            _abort_defect(method, context)

    return stream


def _decode(method: str, handler: Any, raw: bytes, context: Any) -> Any:
    request = call_errors.decode(handler, raw)
    if request is None:
        context.abort(_INVALID_ARGUMENT, call_errors.undecodable(method))
    return request


def _abort_defect(method: str, context: Any) -> None:
    """Abort the call, unless the exception is the one that an abort raises itself."""
    if context.code() is not None:
        raise
    call_errors.log_defect(method)
    context.abort(_INTERNAL, call_errors.DEFECT)
