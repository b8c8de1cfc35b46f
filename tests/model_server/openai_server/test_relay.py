"""RelayHttp takes an HTTP exchange to the engine's server and back, unmodified."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from model_server.fake import FakeEngine
from model_server.openai_server.engine import OpenAIServerEngine
from tests.model_server.conftest import Running, Setup, running
from tests.model_server.openai_server.double import MODEL_ID, OpenAIDouble
from tests.waiting import until

_RERANK = {"model": "tiny", "documents": ["a", "bcd"]}
_JSON = pb.HttpHeader(name="Content-Type", value="application/json")


@pytest.fixture
async def double() -> AsyncIterator[OpenAIDouble]:
    async with OpenAIDouble().running() as started:
        yield started


@pytest.fixture
async def server(double: OpenAIDouble, adapters_folder: Path) -> AsyncIterator[Running]:
    engine = OpenAIServerEngine(double.url, max_context_tokens=None)
    async with running(engine, Setup(adapters=adapters_folder)) as started:
        double.seen.clear()
        yield started


def _requests(
    route: str, body: bytes, *, model: str = "", query: str = ""
) -> list[pb.RelayHttpRequest]:
    head = pb.HttpRequestHead(
        route=route, query=query, model=model, headers=[_JSON], request_id="r1"
    )
    middle = len(body) // 2
    parts = (body[:middle], body[middle:])
    return [
        pb.RelayHttpRequest(head=head),
        *(pb.RelayHttpRequest(body=part) for part in parts),
    ]


async def _relay(
    server: Running, requests: list[pb.RelayHttpRequest]
) -> tuple[pb.HttpResponseHead, bytes]:
    responses = [each async for each in server.stub.RelayHttp(iter(requests))]
    return responses[0].head, b"".join(each.body for each in responses[1:])


async def test_a_route_that_the_contract_does_not_have_is_relayed(server: Running) -> None:
    body = json.dumps(_RERANK).encode()
    head, answer = await _relay(server, _requests("POST /v1/rerank", body, query="top=1"))
    assert head.status == 200
    headers = {header.name: header.value for header in head.headers}
    assert headers["x-engine"] == "double"
    assert "content-length" not in headers
    assert json.loads(answer) == {
        "model": MODEL_ID,
        "results": [{"index": 0, "score": 1}, {"index": 1, "score": 3}],
        "query": {"top": "1"},
    }


async def test_a_stream_is_relayed_as_it_arrives(server: Running, double: OpenAIDouble) -> None:
    prompt = {"prompt": "Hi", "stream": True, "temperature": 0, "max_tokens": 5}
    requests = _requests("POST /v1/completions", json.dumps(prompt).encode(), model="poet")
    call = server.stub.RelayHttp(iter(requests))
    assert (await call.read()).head.status == 200
    # Its first event is here before the engine may go on.
    double.engine.gate.clear()
    body = (await call.read()).body
    assert body.startswith(b"data: {")
    double.engine.gate.set()
    while (part := await call.read()) is not grpc.aio.EOF:
        body += part.body
    assert body.endswith(b"data: [DONE]\n\n")
    assert double.seen[0]["model"] == "poet"


async def test_an_error_of_the_engine_is_relayed(server: Running) -> None:
    body = {"prompt": "x" * 9999, "stream": True}
    head, answer = await _relay(
        server, _requests("POST /v1/completions", json.dumps(body).encode())
    )
    assert head.status == 400
    assert "2048 tokens" in json.loads(answer)["error"]["message"]


async def test_a_client_that_leaves_ends_the_engines_work(
    server: Running, double: OpenAIDouble
) -> None:
    body = {"prompt": "Hi", "stream": True, "temperature": 0, "max_tokens": 500}
    call = server.stub.RelayHttp(iter(_requests("POST /v1/completions", json.dumps(body).encode())))
    await call.read()
    double.engine.gate.clear()
    call.cancel()
    await until(lambda: double.engine.canceled == 1)
    await until(lambda: server.engine.scheduler_stats().running == 0)


@pytest.mark.parametrize(
    ("requests", "code", "says"),
    [
        (_requests("POST /v1/load_lora_adapter", b"{}"), "UNIMPLEMENTED", "is not relayed"),
        (_requests("POST /sleep", b"{}"), "UNIMPLEMENTED", "is not relayed"),
        (_requests("", b""), "UNIMPLEMENTED", "is not relayed"),
        ([], "UNIMPLEMENTED", "is not relayed"),
        (_requests("POST /v1/rerank", b"[]"), "INVALID_ARGUMENT", "is not a JSON object"),
        (_requests("POST /v1/rerank", b"{}", model="nobody"), "NOT_FOUND", "nobody"),
        (
            _requests("POST /v1/rerank", b"")[:1] * 2,
            "INVALID_ARGUMENT",
            "all messages but the first are body",
        ),
    ],
    ids="administration sleep no-route nothing no-json no-model two-heads".split(),
)
async def test_what_cannot_be_relayed_is_told(
    server: Running, requests: list[pb.RelayHttpRequest], code: str, says: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _relay(server, requests)
    assert caught.value.code().name == code
    assert says in (caught.value.details() or "")


async def test_an_engine_without_a_server_says_so(adapters_folder: Path) -> None:
    async with running(FakeEngine(), Setup(adapters=adapters_folder)) as server:
        with pytest.raises(grpc.aio.AioRpcError, match="no HTTP server of its own") as caught:
            await _relay(server, _requests("POST /v1/rerank", b"{}"))
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_secrets_of_clients_do_not_reach_the_engine() -> None:
    seen: list[dict[str, str]] = []

    class Recording(FakeEngine):
        async def start(self) -> Any:
            model = await super().start()
            return type(model)(
                **{name: getattr(model, name) for name in model.__slots__}
                | {"http_routes": ("POST /v1/rerank",)}
            )

        async def relay(self, request: Any) -> AsyncIterator[Any]:
            seen.append(dict(request.headers))
            await asyncio.sleep(0)
            yield b""

    requests = _requests("POST /v1/rerank", b"{}")
    requests[0].head.headers.extend(
        pb.HttpHeader(name=name, value="s3cret")
        for name in ("Authorization", "cookie", "Host", "transfer-encoding")
    )
    async with running(Recording(), Setup(adapters=Path("/nonexistent"))) as server:
        await _relay(server, requests)
    assert seen == [
        {"content-type": "application/json", "accept-encoding": "identity", "x-request-id": "r1"}
    ]
