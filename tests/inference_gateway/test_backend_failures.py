"""Model-servers that hang, end or break the contract cost no other request its answer."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest

from inference_gateway.backends.backend import Backend, BackendError
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.backends.grpc_backend import GrpcBackend
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.generation_requests import CHAT, HI, STREAM, events
from tests.inference_gateway.model_server import wired
from tests.inference_gateway.running import asked_in_order, front_door, gateway
from tests.waiting import until


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
    body = HI | {"model": well.loaded.name}
    first, second = asked_in_order(("one", "two"), CHAT, body)
    scripts: dict[str, Backend] = {first: away, second: well}
    async with front_door(tmp_path, scripts, 2) as client:
        away.failures.append(
            BackendError(grpc.StatusCode.UNAVAILABLE, "refused", may_have_started=False)
        )
        for _ in range(3):
            response = await client.post(CHAT, json=body)
            assert response.status == 200
        assert len(away.requests) == 1
        text = await (await client.get("/metrics")).text()
        assert (
            f'kaito_gateway_upstream_errors_total{{backend="n/{first}",code="UNAVAILABLE"}} 1.0'
            in text
        )


@pytest.mark.parametrize("body", [HI, STREAM], ids=["whole", "streamed"])
async def test_request_that_a_killed_model_server_had_started_is_not_run_again(
    tmp_path: Path, body: dict[str, Any]
) -> None:
    killed, well = FakeBackend(), FakeBackend()
    killed.gate.clear()
    body = body | {"model": well.loaded.name}
    first, second = asked_in_order(("one", "two"), CHAT, body)
    async with wired(killed) as (address, wire):
        scripts: dict[str, Backend] = {first: GrpcBackend(address), second: well}
        async with front_door(tmp_path, scripts, 2) as client:
            call = asyncio.create_task(client.post(CHAT, json=body))
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
