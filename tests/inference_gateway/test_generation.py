"""Generation through a real server on loopback: answers, streams, and whatever ends them early."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import Backend, BackendError, Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.grpc_backend import GrpcBackend
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.model_server import wired
from tests.inference_gateway.running import front_door, gateway, in_pod, until

CHAT = "/v1/chat/completions"
HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
STREAM = HI | {"stream": True}


async def events(response: aiohttp.ClientResponse) -> list[Any]:
    text = await response.text()
    lines = [
        line.removeprefix("data: ") for line in text.split("\n\n") if line[:1] not in ("", ":")
    ]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


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


@pytest.mark.parametrize("body", [HI, STREAM], ids=["whole", "streamed"])
async def test_disconnect_before_the_answer_stops_the_generation(
    client: aiohttp.ClientSession, script: FakeBackend, body: dict[str, Any]
) -> None:
    script.gate.clear()
    call = asyncio.create_task(client.post(CHAT, json=body))
    await until(lambda: bool(script.requests))
    call.cancel()
    # 2 seconds are far below the request's time limit: only the disconnect can stop it.
    await until(script.canceled.is_set, 2)


async def test_disconnect_during_the_answer_stops_the_generation(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.deltas = ("x" * 1024,) * 20_000
    async with client.post(CHAT, json=STREAM) as response:
        await response.content.readany()
    await until(script.canceled.is_set, 2)


async def test_slow_client_holds_the_stream_back(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    # Far more than the buffers of both sockets hold, so that the stream has to stop.
    script.deltas = ("x" * 4096,) * 20_000
    async with client.post(CHAT, json=STREAM, read_bufsize=1024):
        sent = -1
        while sent != script.sent:
            sent = script.sent
            await asyncio.sleep(0.2)
    assert 0 < sent < 10_000


async def test_client_that_does_not_read_is_dropped_at_the_time_limit(script: FakeBackend) -> None:
    script.deltas = ("x" * 4096,) * 20_000
    settings = in_pod(request_timeout_seconds=0.2, max_concurrency=1)
    async with gateway(lambda _: script, settings) as client:
        async with client.post(CHAT, json=STREAM, read_bufsize=1024):
            await until(script.canceled.is_set)
            # The request's admission is free once its final event has timed out as well.
            statuses = [429]
            while statuses[-1] == 429:
                statuses.append((await client.post("/chat", json={})).status)
        assert statuses[-1] == 400


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


async def test_comments_keep_a_waiting_stream_alive(script: FakeBackend) -> None:
    script.gate.clear()
    settings = in_pod(sse_keep_alive_seconds=0.02)
    async with (
        gateway(lambda _: script, settings) as client,
        client.post(CHAT, json=STREAM) as response,
    ):
        assert await response.content.readuntil(b"\n\n") == b": keep-alive\n\n"
        script.gate.set()
        assert (await events(response))[-1] == "[DONE]"


async def test_late_failure_is_an_error_event(script: FakeBackend) -> None:
    script.gate.clear()
    script.break_after = 0
    settings = in_pod(sse_keep_alive_seconds=0.02)
    async with (
        gateway(lambda _: script, settings) as client,
        client.post(CHAT, json=STREAM) as response,
    ):
        await response.content.readuntil(b"\n\n")
        script.gate.set()
        (event,) = await events(response)
    assert event["error"]["code"] == "internal_error"


@pytest.mark.parametrize("body", [HI, STREAM], ids=["whole", "streamed"])
async def test_timeout_is_504(script: FakeBackend, body: dict[str, Any]) -> None:
    script.gate.clear()
    async with gateway(lambda _: script, in_pod(request_timeout_seconds=0.05)) as client:
        response = await client.post(CHAT, json=body)
        assert response.status == 504
        assert "KAITO_REQUEST_TIMEOUT_SECONDS" in (await response.json())["error"]["message"]
    await until(script.canceled.is_set)


async def test_too_many_requests_are_429_until_one_ends(script: FakeBackend) -> None:
    script.gate.clear()
    async with gateway(lambda _: script, in_pod(max_concurrency=1)) as client:
        first = asyncio.create_task(client.post("/chat", json={"prompt": "Hi"}))
        await until(lambda: bool(script.requests))
        rejected = await client.post(CHAT, json=HI)
        assert (rejected.status, rejected.headers["retry-after"]) == (429, "1")
        assert (await client.get("/livez")).status == 200
        script.gate.set()
        assert (await first).status == 200
        assert (await client.post(CHAT, json=HI)).status == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_body_too_large_is_413(script: FakeBackend, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b" " * 80
        yield b" " * 80

    async with gateway(lambda _: script, in_pod(max_body_bytes=100)) as client:
        response = await client.post("/chat", data=chunks() if chunked else b" " * 101)
        assert response.status == 413
        assert "KAITO_MAX_BODY_BYTES" in (await response.json())["detail"]
        assert response.headers["connection"] == "close"


async def test_body_too_slow_is_408(script: FakeBackend) -> None:
    never = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await never.wait()

    async with gateway(lambda _: script, in_pod(body_timeout_seconds=0.05)) as client:
        response = await client.post("/chat", data=stuck())
        assert response.status == 408


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


async def test_hung_model_server_does_not_delay_others(tmp_path: Path) -> None:
    hung, well = FakeBackend(), FakeBackend()
    hung.gate.clear()
    scripts: dict[str, Backend] = {"hung": hung, "well": well}
    async with front_door(tmp_path, scripts, 2, max_backend_concurrency=2) as client:
        waiting = [
            asyncio.create_task(client.post("/workspaces/n/hung/chat", json={"prompt": "x"}))
            for _ in range(3)
        ]
        await until(lambda: len(hung.requests) == 2)
        # Two of three requests fill the hung one's limit; the third is rejected, the other answers.
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().status for task in done] == [429]
        response = await client.post("/workspaces/n/well/chat", json={"prompt": "x"})
        assert response.status == 200
        hung.gate.set()
        await asyncio.wait(waiting)


async def test_two_hung_model_servers_leave_room_for_the_others(tmp_path: Path) -> None:
    hung, well = [FakeBackend(), FakeBackend()], FakeBackend()
    for each in hung:
        each.gate.clear()
    scripts: dict[str, Backend] = {"hung-0": hung[0], "hung-1": hung[1], "well": well}
    limits = {"max_concurrency": 8, "max_backend_concurrency": 4}
    async with front_door(tmp_path, scripts, 3, **limits) as client:
        waiting = [
            asyncio.create_task(
                client.post(f"/workspaces/n/hung-{index % 2}/chat", json={"prompt": "x"})
            )
            for index in range(16)
        ]
        # Each of the two is full: it holds requests and has rejected others.
        await until(lambda: sum(task.done() for task in waiting) >= 16 - 8)
        response = await client.post("/workspaces/n/well/chat", json={"prompt": "x"})
        assert response.status == 200
        for each in hung:
            each.gate.set()
        await asyncio.wait(waiting)


async def test_model_server_that_does_not_answer_is_skipped(tmp_path: Path) -> None:
    hung = FakeBackend()
    hung.gate.clear()
    async with front_door(
        tmp_path, {"hung": hung}, 1, first_token_timeout_seconds=0.05, sse_keep_alive_seconds=9
    ) as client:
        response = await client.post("/workspaces/n/hung" + CHAT, json=STREAM)
        assert response.status == 504
        message = (await response.json())["error"]["message"]
        assert "KAITO_FIRST_TOKEN_TIMEOUT_SECONDS" in message
        response = await client.post("/workspaces/n/hung" + CHAT, json=STREAM)
        assert response.status == 503
        message = (await response.json())["error"]["message"]
        assert message == "the model is not ready: n/hung: does not answer"
        assert len(hung.requests) == 1


async def test_unreachable_model_server_is_skipped(tmp_path: Path) -> None:
    away, well = FakeBackend(), FakeBackend()
    scripts: dict[str, Backend] = {"away": away, "well": well}
    async with front_door(tmp_path, scripts, 2) as client:
        away.failures.append(
            BackendError(grpc.StatusCode.UNAVAILABLE, "refused", may_have_started=False)
        )
        for _ in range(3):
            response = await client.post(CHAT, json=HI | {"model": away.loaded.name})
            assert response.status == 200
        assert len(away.requests) == 1
        text = await (await client.get("/metrics")).text()
        assert (
            'kaito_gateway_upstream_errors_total{backend="n/away",code="UNAVAILABLE"} 1.0' in text
        )


@pytest.mark.parametrize("body", [HI, STREAM], ids=["whole", "streamed"])
async def test_request_that_a_killed_model_server_had_started_is_not_run_again(
    tmp_path: Path, body: dict[str, Any]
) -> None:
    killed, well = FakeBackend(), FakeBackend()
    killed.gate.clear()
    async with wired(killed) as (address, wire):
        # Sorted by name, and equally idle: `a` is asked first.
        scripts: dict[str, Backend] = {"a": GrpcBackend(address), "b": well}
        async with front_door(tmp_path, scripts, 2) as client:
            call = asyncio.create_task(client.post(CHAT, json=body | {"model": well.loaded.name}))
            await until(lambda: bool(killed.requests))
            wire.cut()
            assert (await call).status == 503
            assert not well.requests


class Scripted(FakeBackend):
    """Answers with exactly these messages, and whole with exactly this response."""

    messages: tuple[pb.StreamGenerateResponse, ...] = ()
    response = pb.GenerateResponse()

    async def stream(self, request: pb.GenerateRequest, timeout_seconds: float) -> Any:
        for message in self.messages:
            yield message

    async def generate(
        self, request: pb.GenerateRequest, timeout_seconds: float
    ) -> pb.GenerateResponse:
        return self.response


def delta(text: str = "", index: int = 0, finish: int = 0) -> pb.StreamGenerateResponse:
    message = pb.StreamGenerateResponse(index=index, text=text, model="m")
    message.finish_reason = finish  # type: ignore[assignment]
    return message


@pytest.mark.parametrize(
    ("messages", "reason", "status"),
    [
        ((), "the stream ended before 1 of its choices", 502),
        ((delta("Hel"),), "the stream ended before 1 of its choices", 200),
        ((delta("Hi", finish=7),), "finish_reason = 7", 502),
        ((delta("Hi", index=1, finish=1),), "a message for choice 1 of 1", 502),
        ((delta("Hi", finish=1), delta("more")), "choice 0 continued", 200),
    ],
    ids="nothing no-end unknown-reason other-choice after-the-end".split(),
)
async def test_stream_that_breaks_the_contract_is_an_error(
    messages: tuple[pb.StreamGenerateResponse, ...], reason: str, status: int
) -> None:
    broken = Scripted()
    broken.messages = messages
    async with gateway(lambda _: broken) as client, client.post(CHAT, json=STREAM) as response:
        text = await response.text()
        assert "[DONE]" not in text
        assert reason in text
        assert response.status == status


@pytest.mark.parametrize("path", [CHAT, "/chat"])
@pytest.mark.parametrize(
    "choices",
    [
        [],
        [pb.Choice(text="Hi")],
        [pb.Choice(text="Hi", finish_reason=7)],  # type: ignore[arg-type]
        [pb.Choice(text="Hi", finish_reason=pb.FINISH_REASON_STOP, index=1)],
        [pb.Choice(text="Hi", finish_reason=pb.FINISH_REASON_STOP)] * 2,
    ],
    ids="nothing no-end unknown-reason other-choice too-many".split(),
)
async def test_answer_that_breaks_the_contract_is_an_error(
    choices: list[pb.Choice], path: str
) -> None:
    broken = Scripted()
    broken.response = pb.GenerateResponse(choices=choices, model="m")
    async with gateway(lambda _: broken) as client:
        response = await client.post(path, json=HI)
        assert response.status == 502
        assert "the model-server broke its contract" in await response.text()


async def test_usage_may_follow_the_last_choice() -> None:
    usage = pb.StreamGenerateResponse(usage=pb.Usage(prompt_tokens=2))
    script = Scripted()
    script.messages = (delta("Hi", finish=1), usage)
    async with gateway(lambda _: script) as client, client.post(CHAT, json=STREAM) as response:
        assert (await events(response))[-1] == "[DONE]"


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
    async with front_door(tmp_path, scripts, 2) as client:
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
