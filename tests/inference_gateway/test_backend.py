"""Every Backend behaves alike: the fake, and a real gRPC server that follows the same script."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import grpc
import pytest

from inference_gateway.backends.backend import Backend, BackendError, Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.grpc_backend import GrpcBackend
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.model_server import serving, wired
from tests.waiting import HANG_SECONDS, until


@dataclass
class Subject:
    script: FakeBackend
    backend: Backend


@pytest.fixture(params=["fake", "grpc"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    script = FakeBackend()
    if request.param == "fake":
        yield Subject(script, script)
        return
    async with serving(script) as address:
        backend = GrpcBackend(address)
        yield Subject(script, backend)
        await backend.close(0)


def request(model: str = "") -> pb.GenerateRequest:
    return pb.GenerateRequest(model=model, prompt="Hi", request_id="r1")


async def answer(backend: Backend, streamed: bool) -> None:
    if streamed:
        async for _ in backend.stream(request(), 5):
            pass
    else:
        await backend.generate(request(), 5)


async def test_generate_returns_the_whole_answer(subject: Subject) -> None:
    response = await subject.backend.generate(request(), 5)
    assert [choice.text for choice in response.choices] == ["Hello, world"]
    assert response.usage.completion_tokens == 3
    assert response.model == "phi-3-mini-128k-instruct"
    assert subject.script.requests[0].prompt == "Hi"


async def test_stream_is_in_order_and_ends_with_usage(subject: Subject) -> None:
    messages = [message async for message in subject.backend.stream(request(), 5)]
    assert [message.text for message in messages] == ["Hello", ", ", "world", ""]
    assert messages[0].model and messages[-1].finish_reason == pb.FINISH_REASON_STOP
    assert messages[-1].usage.prompt_tokens == 7


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, "options.temperature=-1: must be above 0"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "64 requests are waiting"),
        (grpc.StatusCode.UNAVAILABLE, "the model is loading"),
    ],
    ids=["invalid", "full", "loading"],
)
async def test_errors_keep_code_and_message(
    subject: Subject, code: grpc.StatusCode, message: str, streamed: bool
) -> None:
    subject.script.failures.append(BackendError(code, message))
    with pytest.raises(BackendError) as caught:
        await answer(subject.backend, streamed)
    assert (caught.value.code, caught.value.message) == (code, message)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("may_have_started", [False, True], ids=["refused", "started"])
async def test_errors_tell_whether_the_request_may_have_started(
    subject: Subject, may_have_started: bool, streamed: bool
) -> None:
    unavailable = grpc.StatusCode.UNAVAILABLE
    subject.script.failures.append(
        BackendError(unavailable, "why", may_have_started=may_have_started)
    )
    with pytest.raises(BackendError) as caught:
        await answer(subject.backend, streamed)
    assert caught.value.may_have_started == may_have_started


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_lost_connection_may_have_started_the_request(streamed: bool) -> None:
    script = FakeBackend()
    script.gate.clear()
    async with wired(script) as (address, wire):
        backend = GrpcBackend(address)
        call = asyncio.create_task(answer(backend, streamed))
        await until(lambda: bool(script.requests))
        wire.cut()
        with pytest.raises(BackendError) as caught:
            await call
        await backend.close(0)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert caught.value.may_have_started


async def test_unknown_model_is_not_found(subject: Subject) -> None:
    with pytest.raises(BackendError) as caught:
        await subject.backend.generate(request("gpt-9"), 5)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND


async def test_broken_stream_delivers_what_came_before(subject: Subject) -> None:
    subject.script.break_after = 2
    texts: list[str] = []
    with pytest.raises(BackendError) as caught:
        async for message in subject.backend.stream(request(), 5):
            texts.append(message.text)  # noqa: PERF401 -- an exception ends the loop
    assert texts == ["Hello", ", "]
    assert caught.value.code is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_deadline_is_exceeded(subject: Subject, streamed: bool) -> None:
    subject.script.gate.clear()
    with pytest.raises(BackendError) as caught:
        if streamed:
            await anext(subject.backend.stream(request(), 0.05))
        else:
            await subject.backend.generate(request(), 0.05)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_canceling_stops_the_generation(subject: Subject) -> None:
    subject.script.gate.clear()
    call = asyncio.ensure_future(subject.backend.generate(request(), 30))
    async with asyncio.timeout(HANG_SECONDS):
        while not subject.script.requests:
            await asyncio.sleep(0.005)
        call.cancel()
        await subject.script.canceled.wait()


async def test_closing_the_stream_stops_the_generation(subject: Subject) -> None:
    subject.script.deltas = ("x" * 4096,) * 10_000
    async with aclosing(subject.backend.stream(request(), 30)) as messages:
        await anext(messages)
    async with asyncio.timeout(HANG_SECONDS):
        await subject.script.canceled.wait()
    assert subject.script.sent < 10_000


async def test_model_and_all_pages_of_adapters_are_read(subject: Subject) -> None:
    subject.script.loaded_adapters = tuple(pb.Adapter(name=f"a{n}") for n in range(5))
    assert (await subject.backend.model(5)).has_chat_template
    assert [each.name for each in await subject.backend.adapters(5)] == [f"a{n}" for n in range(5)]


async def test_health_is_serving(subject: Subject) -> None:
    assert (await subject.backend.health(5)).serving


async def test_missing_server_is_unavailable() -> None:
    backend = GrpcBackend("127.0.0.1:1")
    with pytest.raises(BackendError) as caught:
        await backend.generate(request(), 5)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
    assert not caught.value.may_have_started
    assert not (await backend.health(5)).serving
    await backend.close(0)


async def test_calls_go_to_the_new_pod_while_the_old_one_finishes_its_own() -> None:
    """A Service's address: the old pod keeps its connections for as long as an answer takes."""
    old, new = FakeBackend(deltas=tuple("answer")), FakeBackend()
    async with wired(old) as (address, wire), serving(new) as new_address:
        backend = GrpcBackend(address)
        async with aclosing(backend.stream(request(), 60)) as messages:
            await anext(messages)
            old.health_now = Health(serving=False)
            wire.turn_to(new_address)
            assert not (await backend.health(5)).serving
            assert (await backend.health(5)).serving
            await answer(backend, streamed=False)
            await answer(backend, streamed=True)
            rest = [message.text async for message in messages]
        assert (len(old.requests), len(new.requests)) == (1, 2)
        assert "nswer" in "".join(rest)
        await backend.close(0)


async def test_loading_server_is_not_serving() -> None:
    script = FakeBackend(health_now=Health(serving=False))
    async with serving(script) as address:
        backend = GrpcBackend(address)
        assert await backend.health(5) == Health(False, "the model-server reports NOT_SERVING")
        await backend.close(0)


async def test_closed_backend_is_unavailable() -> None:
    backend = GrpcBackend("127.0.0.1:1")
    await backend.close(0)
    with pytest.raises(BackendError) as caught:
        await backend.generate(request(), 5)
    assert caught.value.code is grpc.StatusCode.UNAVAILABLE
