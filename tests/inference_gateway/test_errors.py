"""The table from gRPC codes to HTTP statuses is complete; the two body shapes."""

import json

import grpc
import pytest

from inference_gateway.backends.backend import BackendError
from inference_gateway.errors import (
    STATUS,
    Problem,
    detail_body,
    from_backend,
    openai_body,
)


def test_every_grpc_code_has_a_status() -> None:
    assert set(STATUS) == set(grpc.StatusCode)


@pytest.mark.parametrize(
    ("code", "status", "retry_after_seconds"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, 400, None),
        (grpc.StatusCode.NOT_FOUND, 404, None),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, 429, 1),
        (grpc.StatusCode.UNAVAILABLE, 503, 2),
        (grpc.StatusCode.DEADLINE_EXCEEDED, 504, None),
        (grpc.StatusCode.INTERNAL, 500, None),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_backend_message_is_kept(
    code: grpc.StatusCode, status: int, retry_after_seconds: int | None
) -> None:
    problem = from_backend(BackendError(code, "why"), lambda _: None)
    assert (problem.status, problem.message) == (status, "why")
    assert problem.retry_after_seconds == retry_after_seconds


def test_log_of_a_clients_mistake_has_no_value_of_the_client() -> None:
    message = "stop = ['s3cret']: must not be empty"
    problem = Problem(status=400, message=message, param="stop", code="invalid_value")
    assert problem.log_message == "invalid_value: stop"
    assert Problem(status=422, message=message).log_message == "rejected"
    assert Problem(status=503, message="the model is loading").log_message == "the model is loading"


def test_body_shapes() -> None:
    problem = Problem(status=400, message="n: too many", param="n", code="invalid_value")
    assert json.loads(openai_body(problem)) == {
        "error": {
            "message": "n: too many",
            "type": "invalid_request_error",
            "param": "n",
            "code": "invalid_value",
        }
    }
    assert json.loads(detail_body(problem)) == {"detail": "n: too many"}
