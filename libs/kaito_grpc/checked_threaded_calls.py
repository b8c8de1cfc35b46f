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
        if handler is None:
            return None
        method: str = handler_call_details.method
        if handler.request_streaming:
            # Only reflection streams its requests, and it streams its responses as well.
            return grpc.stream_stream_rpc_method_handler(
                _checked_both_streams(method, handler),
                response_serializer=handler.response_serializer,
            )
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
        except Exception as error:
            _abort(method, error, context)

    return call


def _checked_stream(method: str, handler: Any) -> Behavior:
    def stream(raw: bytes, context: Any) -> Iterator[Any]:
        request = _decode(method, handler, raw, context)
        try:
            yield from handler.unary_stream(request, context)
        except Exception as error:
            _abort(method, error, context)

    return stream


def _checked_both_streams(method: str, handler: Any) -> Behavior:
    def stream(raws: Iterator[bytes], context: Any) -> Iterator[Any]:
        requests = (_decode(method, handler, raw, context) for raw in raws)
        try:
            yield from handler.stream_stream(requests, context)
        except Exception as error:
            _abort(method, error, context)

    return stream


def _decode(method: str, handler: Any, raw: bytes, context: Any) -> Any:
    request = call_errors.decode(handler, raw)
    if request is None:
        context.abort(_INVALID_ARGUMENT, call_errors.undecodable(method))
    return request


def _abort(method: str, error: Exception, context: Any) -> None:
    """End a call whose behavior raised.

    Raises:
        Exception: the error, if the call has ended: by an abort, or because the client left.
    """
    if isinstance(error, NotImplementedError):
        # The stubs set the code before they raise it.
        context.abort(grpc.StatusCode.UNIMPLEMENTED, call_errors.unimplemented(method))
    if context.code() is not None or isinstance(error, grpc.RpcError):
        raise error
    call_errors.log_defect(method)
    context.abort(_INTERNAL, call_errors.DEFECT)
