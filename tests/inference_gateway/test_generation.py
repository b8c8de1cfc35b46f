"""Generation through a real server on loopback: answers, streams and their errors."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import Backend, BackendError, Health
from inference_gateway.backends.fake import FakeBackend
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.generation_requests import CHAT, HI, STREAM, events
from tests.inference_gateway.running import front_door, gateway


async def test_chat_answers_a_prompt(client: aiohttp.ClientSession) -> None:
    response = await client.post("/chat", json={"prompt": "Hi"})
    assert response.status == 200
    assert await response.json() == {"Result": "Hi\nHello, world"}
    assert response.content_type == "application/json"


async def test_chat_reports_ignored_parameters(client: aiohttp.ClientSession) -> None:
    kwargs = {"num_beam_groups": 2, "foo": 1, "b\r\nad": 1}
    response = await client.post("/chat", json={"prompt": "Hi", "generate_kwargs": kwargs})
    assert response.headers["x-kaito-ignored-parameters"] == "num_beam_groups, foo"


@pytest.mark.parametrize("stop", ["", [""], ["", "END"]], ids="text list one-of-two".split())
async def test_empty_stop_strings_are_dropped(
    client: aiohttp.ClientSession, script: FakeBackend, stop: str | list[str]
) -> None:
    assert (await client.post(CHAT, json=HI | {"stop": stop})).status == 200
    kwargs = {"prompt": "Hi", "generate_kwargs": {"stop_strings": stop}}
    assert (await client.post("/chat", json=kwargs)).status == 200
    sent = [list(each.options.stop) for each in script.requests]
    assert sent == [[each for each in stop if each]] * 2


async def test_chat_errors_have_kaitos_shape(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    response = await client.post("/chat", json={})
    assert response.status == 400
    assert await response.json() == {"detail": "Text generation parameter prompt required"}
    script.failures.append(BackendError(grpc.StatusCode.UNAVAILABLE, "the model is loading"))
    response = await client.post("/chat", json={"prompt": "Hi"})
    assert response.status == 503
    assert await response.json() == {"detail": "the model is loading"}
    assert response.headers["retry-after"] == "2"


async def test_chat_completions_stream(client: aiohttp.ClientSession) -> None:
    body = STREAM | {"stream_options": {"include_usage": True}}
    async with client.post(CHAT, json=body, headers={"x-request-id": "abc"}) as response:
        assert response.status == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["x-request-id"] == "abc"
        *chunks, usage, done = await events(response)
    assert done == "[DONE]"
    assert usage["usage"]["total_tokens"] == 10
    assert "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks) == (
        "Hello, world"
    )


async def test_completions_stream_several_prompts(client: aiohttp.ClientSession) -> None:
    body = {"prompt": ["a", "b"], "n": 2, "stream": True, "echo": True}
    async with client.post("/v1/completions", json=body) as response:
        *chunks, done = await events(response)
    assert done == "[DONE]"
    texts = dict.fromkeys(range(4), "")
    for chunk in chunks:
        texts[chunk["choices"][0]["index"]] += chunk["choices"][0]["text"]
    assert texts == {
        0: "aHello, world",
        1: "aHello, world",
        2: "bHello, world",
        3: "bHello, world",
    }


async def test_completions_answer_several_prompts(client: aiohttp.ClientSession) -> None:
    response = await client.post("/v1/completions", json={"prompt": ["a", "b"]})
    body = await response.json()
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    assert body["usage"]["completion_tokens"] == 6


async def test_failed_prompt_ends_the_others(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.failures.append(BackendError(grpc.StatusCode.INVALID_ARGUMENT, "too long"))
    response = await client.post("/v1/completions", json={"prompt": ["a", "b"]})
    assert response.status == 400


@pytest.mark.parametrize("body", [HI, STREAM], ids=["whole", "streamed"])
async def test_errors_come_with_their_status(
    client: aiohttp.ClientSession, script: FakeBackend, body: dict[str, Any]
) -> None:
    script.failures.append(BackendError(grpc.StatusCode.INVALID_ARGUMENT, "prompt too long"))
    async with client.post(CHAT, json=body) as response:
        assert response.status == 400
        assert (await response.json())["error"] == {
            "message": "prompt too long",
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_value",
        }
    async with client.post(CHAT, json=body | {"model": "gpt-9"}) as response:
        assert response.status == 404


async def test_broken_stream_ends_with_an_error_event(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.break_after = 1
    async with client.post(CHAT, json=STREAM) as response:
        *_, last = await events(response)
    assert last["error"]["message"] == "the engine broke"


async def test_tokens_arrive_as_they_are_generated(script: FakeBackend) -> None:
    class Paced(FakeBackend):
        async def stream(self, request: pb.GenerateRequest, timeout_seconds: float) -> Any:
            yield pb.StreamGenerateResponse(text="first", model="m")
            await self.gate.wait()
            yield pb.StreamGenerateResponse(finish_reason=pb.FINISH_REASON_STOP)

    paced = Paced()
    paced.gate.clear()
    async with gateway(lambda _: paced) as client, client.post(CHAT, json=STREAM) as response:
        seen = b""
        while b"first" not in seen:
            seen += await response.content.readany()
        paced.gate.set()
        assert b"[DONE]" in await response.content.read()


async def test_internal_error_is_500_with_the_request_id() -> None:
    class Faulty(FakeBackend):
        async def generate(
            self, request: pb.GenerateRequest, timeout_seconds: float
        ) -> pb.GenerateResponse:
            raise RuntimeError("a bug")

    async with gateway(lambda _: Faulty()) as client:
        response = await client.post(CHAT, json=HI)
        assert response.status == 500
        message = (await response.json())["error"]["message"]
        assert response.headers["x-request-id"] in message
        assert "a bug" not in message


async def test_other_methods_are_405(client: aiohttp.ClientSession) -> None:
    response = await client.get("/chat")
    assert (response.status, response.headers["allow"]) == (405, "POST")


async def test_request_does_not_enter_another_namespace_while_the_gateway_starts(
    tmp_path: Path,
) -> None:
    class Slow(FakeBackend):
        async def adapters(self, timeout_seconds: float) -> tuple[pb.Adapter, ...]:
            await asyncio.sleep(0.3)
            return self.loaded_adapters

    style = (pb.Adapter(name="style"),)
    scripts = {"a/x": FakeBackend(loaded_adapters=style), "b/y": Slow(loaded_adapters=style)}
    async with front_door(tmp_path, scripts, 1) as client:
        response = await client.post(CHAT, json=HI | {"model": "style"})
        assert response.status == 400
        error = (await response.json())["error"]
        assert (error["code"], error["param"]) == ("ambiguous_model", "model")
        assert "a/x, b/y" in error["message"]
        assert not any(script.requests for script in scripts.values())
        for label, script in scripts.items():
            response = await client.post(f"/workspaces/{label}{CHAT}", json=HI | {"model": "style"})
            assert response.status == 200
            assert [each.model for each in script.requests] == ["style"]


async def test_front_door_lists_models_and_rejects_unknown_ones(tmp_path: Path) -> None:
    scripts: dict[str, Backend] = {
        "one": FakeBackend(),
        "two": FakeBackend(loaded_adapters=(pb.Adapter(name="dolly"),)),
        "off": FakeBackend(health_now=Health(serving=False, detail="loading")),
    }
    async with front_door(tmp_path, scripts, 2, hold_seconds=0) as client:
        ids = [entry["id"] for entry in (await (await client.get("/v1/models")).json())["data"]]
        assert ids == ["dolly", "n/one", "n/two", "one", "phi-3-mini-128k-instruct", "two"]
        here = await (await client.get("/workspaces/n/one/v1/models")).json()
        assert [entry["id"] for entry in here["data"]] == [
            "n/one",
            "one",
            "phi-3-mini-128k-instruct",
        ]
        for entry in here["data"]:
            response = await client.get(f"/workspaces/n/one/v1/models/{entry['id']}")
            assert (response.status, await response.json()) == (200, entry)
        for path in ("n/one/v1/models/dolly", "n/gone/v1/models", "n/gone/v1/models/dolly"):
            response = await client.get(f"/workspaces/{path}")
            assert response.status == 404
            assert (await response.json())["error"]["code"] == "model_not_found"
        response = await client.post("/chat", json={"prompt": "x", "model": "gpt-9"})
        assert response.status == 404
        assert "n/two" in (await response.json())["detail"]
        response = await client.post("/chat", json={"prompt": "x", "model": "off"})
        assert (response.status, response.headers["retry-after"]) == (503, "2")
        response = await client.post("/chat", json={"prompt": "x"})
        assert response.status == 400
        assert (await client.post("/chat", json={"prompt": "x", "model": "two"})).status == 200
