"""The server's errors are told by their cause, and name the contract's field."""

import pytest

from model_server.errors import GenerationFailed, InvalidRequest, Overloaded
from model_server.text_generation_server import rejections


@pytest.mark.parametrize(
    ("status", "body", "error", "says"),
    [
        (
            422,
            b'{"error": "Input validation error: `temperature` must be strictly positive", '
            b'"error_type": "validation"}',
            InvalidRequest,
            "options.temperature = '...': the engine rejects it: `temperature` must be strictly",
        ),
        (
            422,
            b'{"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 9", '
            b'"error_type": "validation"}',
            InvalidRequest,
            "input = '...': the engine rejects it: `inputs` tokens",
        ),
        (
            422,
            b'{"error": "Input validation error: `top_n_tokens` must be >= 0 and <= 5. Given: 9", '
            b'"error_type": "validation"}',
            InvalidRequest,
            "options.top_logprobs = '...'",
        ),
        (
            422,
            b'data: {"error": "Template error: no", "error_type": "template_error"}\n\n',
            InvalidRequest,
            "chat.messages = '...': the engine rejects it: Template error: no",
        ),
        (404, b"", InvalidRequest, "chat.messages = '...': the engine rejects it: "),
        (422, b"Failed to deserialize", InvalidRequest, "Failed to deserialize"),
        (
            429,
            b'{"error": "Model is overloaded", "error_type": "overloaded"}',
            Overloaded,
            "the engine is full: Model is overloaded",
        ),
        (
            424,
            b'{"error": "CUDA", "error_type": "generation"}',
            GenerationFailed,
            "the engine gave up the answer: CUDA",
        ),
        (500, b"<html>", GenerationFailed, "the engine gave up the answer: <html>"),
        (422, b"[" * 100_000, InvalidRequest, "the engine rejects it: [["),
    ],
)
def test_an_error_of_a_response(
    status: int, body: bytes, error: type[Exception], says: str
) -> None:
    found = rejections.of_response(status, body, "chat.messages")
    assert type(found) is error
    assert says in found.message
    assert len(found.message) < 600
