"""How a call ended: gRPC's status in headers, and what HTTP/2 says in its place. Pure."""

import base64
from urllib.parse import unquote

from grpc import StatusCode

from inference_gateway.backends.http2 import frames
from inference_gateway.backends.http2.headers import Headers

# gRPC's own trailer for "call again": a model-server sends it when it did not start the request.
_RETRY_TRAILER = "grpc-retry-pushback-ms"
_CODES = {str(code.value[0]): code for code in StatusCode}
# gRPC's tables of HTTP's statuses and of HTTP/2's error codes.
_HTTP_CODES = {
    "400": StatusCode.INTERNAL,
    "401": StatusCode.UNAUTHENTICATED,
    "403": StatusCode.PERMISSION_DENIED,
    "404": StatusCode.UNIMPLEMENTED,
    "429": StatusCode.UNAVAILABLE,
    "502": StatusCode.UNAVAILABLE,
    "503": StatusCode.UNAVAILABLE,
    "504": StatusCode.UNAVAILABLE,
}
_RESET_CODES = {
    frames.REFUSED_STREAM: StatusCode.UNAVAILABLE,
    frames.CANCEL: StatusCode.CANCELLED,
    frames.ENHANCE_YOUR_CALM: StatusCode.RESOURCE_EXHAUSTED,
}


class CallError(Exception):
    """A call failed.

    `may_have_started` is False only if the server certainly did no work for it. `details` is the
    google.rpc.Status that came with the error, encoded; empty for none.
    """

    def __init__(
        self,
        code: StatusCode,
        message: str,
        *,
        may_have_started: bool = True,
        details: bytes = b"",
    ) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.may_have_started = may_have_started
        self.details = details


def from_trailers(trailers: Headers) -> CallError | None:
    """The error that these last headers of a call say; None for a call that succeeded."""
    value = trailers.get("grpc-status")
    if value == "0":
        return None
    if value is None:
        if ":status" in trailers:
            return from_http(trailers)
        return CallError(StatusCode.UNKNOWN, "the answer ended without a status")
    code = _CODES.get(value, StatusCode.UNKNOWN)
    return CallError(
        code,
        unquote(trailers.get("grpc-message", "")) or code.name,
        may_have_started=_RETRY_TRAILER not in trailers,
        details=_decoded(trailers.get("grpc-status-details-bin", "")),
    )


def is_grpc(headers: Headers) -> bool:
    """Whether these first headers of an answer are gRPC's, and not those of a proxy's page."""
    return headers.get(":status") == "200" and headers.get("content-type", "").startswith(
        "application/grpc"
    )


def from_http(headers: Headers) -> CallError:
    """The error of an answer that is not gRPC's, such as a proxy's."""
    status = headers.get(":status", "none")
    return CallError(
        _HTTP_CODES.get(status, StatusCode.UNKNOWN),
        f"the answer is not gRPC's: HTTP status {status}, "
        f"content-type {headers.get('content-type', 'none')}",
    )


def from_reset(error_code: int) -> CallError:
    """The error of a stream that the server ended without a status."""
    code = _RESET_CODES.get(error_code, StatusCode.INTERNAL)
    return CallError(
        code,
        f"the server ended the call with HTTP/2's error code {error_code}",
        may_have_started=error_code != frames.REFUSED_STREAM,
    )


def _decoded(value: str) -> bytes:
    try:
        # gRPC leaves out the padding.
        return base64.b64decode(value + "=" * (-len(value) % 4))
    except ValueError:
        return b""
