"""The error that headers say a call ended with."""

import pytest
from grpc import StatusCode

from inference_gateway.backends.http2.status import from_trailers


@pytest.mark.parametrize(
    ("trailers", "code", "message"),
    [
        ({"grpc-status": "5"}, StatusCode.NOT_FOUND, "NOT_FOUND"),
        (
            {"grpc-status": "3", "grpc-message": "a%C3%A4 100%25"},
            StatusCode.INVALID_ARGUMENT,
            "aä 100%",
        ),
        ({"grpc-status": "99", "grpc-message": "?"}, StatusCode.UNKNOWN, "?"),
        ({":status": "503"}, StatusCode.UNAVAILABLE, "HTTP status 503"),
        ({":status": "404"}, StatusCode.UNIMPLEMENTED, "HTTP status 404"),
        ({}, StatusCode.UNKNOWN, "ended without a status"),
    ],
)
def test_error_has_code_and_text(trailers: dict[str, str], code: StatusCode, message: str) -> None:
    error = from_trailers(trailers)
    assert error is not None
    assert error.code is code
    assert message in error.message
    assert error.may_have_started


def test_success_is_no_error() -> None:
    assert from_trailers({"grpc-status": "0", "grpc-message": ""}) is None


def test_call_that_may_be_made_again_has_not_started() -> None:
    error = from_trailers({"grpc-status": "14", "grpc-retry-pushback-ms": "0"})
    assert error is not None
    assert not error.may_have_started


@pytest.mark.parametrize(
    ("sent", "details"), [("AAEC/w", b"\0\1\2\xff"), ("AA==", b"\0"), ("é", b"")]
)
def test_details_are_decoded(sent: str, details: bytes) -> None:
    error = from_trailers({"grpc-status": "3", "grpc-status-details-bin": sent})
    assert error is not None
    assert error.details == details
