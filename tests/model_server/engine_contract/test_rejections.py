"""What every engine must reject, and what never reaches a log."""

import contextlib
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito_grpc.field_violations import from_error
from tests.model_server.conftest import (
    Running,
    generate_request,
    stream,
)


@pytest.mark.parametrize(
    ("request_", "code", "texts"),
    [
        (pb.GenerateRequest(), "INVALID_ARGUMENT", ["input", "prompt or chat"]),
        (generate_request(prompt=""), "INVALID_ARGUMENT", ["prompt"]),
        (generate_request(prompt="ship " * 3000), "INVALID_ARGUMENT", ["2048", "shorten"]),
        (
            generate_request(temperature=0.0),
            "INVALID_ARGUMENT",
            ["options.temperature", "turn sampling off"],
        ),
        (
            generate_request(do_sample=True, temperature=1e-40),
            "INVALID_ARGUMENT",
            ["options.temperature", "between 1e-06 and 100"],
        ),
        (
            generate_request(do_sample=True, repetition_penalty=1e-39),
            "INVALID_ARGUMENT",
            ["options.repetition_penalty", "between 0.01 and 100"],
        ),
        (generate_request(top_p=1.5), "INVALID_ARGUMENT", ["options.top_p", "1.5"]),
        (
            generate_request(max_new_tokens=0),
            "INVALID_ARGUMENT",
            ["options.max_new_tokens", "1 or more"],
        ),
        (generate_request(stop=["a", ""]), "INVALID_ARGUMENT", ["options.stop", "empty"]),
        (generate_request(num_return_sequences=17), "INVALID_ARGUMENT", ["between 1 and 16"]),
        (generate_request(model="nobody"), "NOT_FOUND", ["nobody", "tiny", "pirate", "poet"]),
        (
            pb.GenerateRequest(chat=pb.Chat()),
            "INVALID_ARGUMENT",
            ["chat.messages", "at least one"],
        ),
        (
            pb.GenerateRequest(chat=pb.Chat(messages=[pb.ChatMessage(role="owl", content="hu")])),
            "INVALID_ARGUMENT",
            ["chat.messages[0].role", "owl"],
        ),
    ],
    ids="no-input empty-prompt long-prompt temperature cold penalty top_p max_new_tokens stop "
    "choices model no-messages role".split(),
)
async def test_invalid_requests_name_field_value_and_remedy(
    server: Running, request_: pb.GenerateRequest, code: str, texts: list[str]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as whole_error:
        await server.stub.Generate(request_)
    with pytest.raises(grpc.aio.AioRpcError) as stream_error:
        await stream(server, request_)
    assert (whole_error.value.code().name, stream_error.value.code().name) == (code, code)
    assert whole_error.value.details() == stream_error.value.details()
    for text in texts:
        assert text in (whole_error.value.details() or "")
    for error in (whole_error.value, stream_error.value):
        violation = from_error(error)
        assert (violation is not None) == (code == "INVALID_ARGUMENT")
        if violation:
            assert (error.details() or "").startswith(f"{violation.field} = ")


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"stop": ["s3cret", ""]}, {}),
        ({"model": "s3cret"}, {}),
        ({}, {"chat": pb.Chat(messages=[pb.ChatMessage(role="s3cret", content="hu")])}),
        ({}, {"request_id": "s3cret " * 9}),
    ],
    ids="stop model role request-id".split(),
)
async def test_nothing_that_a_client_sent_is_logged(
    server: Running, caplog: pytest.LogCaptureFixture, options: Any, changes: Any
) -> None:
    caplog.set_level("DEBUG")
    request = generate_request(**options)
    request.MergeFrom(pb.GenerateRequest(**changes))
    with contextlib.suppress(grpc.aio.AioRpcError):
        await server.stub.Generate(request)
    assert any(record.name.startswith("model_server") for record in caplog.records)
    for record in caplog.records:
        assert "s3cret" not in str(vars(record))
