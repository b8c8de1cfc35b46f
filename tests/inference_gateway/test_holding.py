"""A front door holds requests while the model-servers of a model restart."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import BackendError, Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.endpoints.holding import hold_pause_seconds, unknown_endpoints
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.running import front_door, gateway
from tests.waiting import HANG_SECONDS, until

PATH = "/v1/chat/completions"
HELLO = {"model": "n/one", "messages": [{"role": "user", "content": "hello"}]}
DOWN = Health(serving=False, detail="restarts")
UP = Health(serving=True)


def _unavailable(*, may_have_started: bool) -> BackendError:
    code = grpc.StatusCode.UNAVAILABLE
    return BackendError(code, "draining", may_have_started=may_have_started)


@pytest.fixture
async def door(script: FakeBackend, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    async with front_door(tmp_path, {"one": script}, 1) as client:
        yield client


def _take_down(script: FakeBackend) -> None:
    script.health_now = DOWN
    # The next request finds it draining, which makes the gateway look at once.
    script.failures.append(_unavailable(may_have_started=False))


async def _ask(
    client: aiohttp.ClientSession, *, stream: bool = False, model: str = "n/one"
) -> tuple[int, str]:
    async with client.post(PATH, json={**HELLO, "stream": stream, "model": model}) as response:
        return response.status, await response.text()


async def _in_flight(client: aiohttp.ClientSession) -> str:
    text = await (await client.get("/metrics")).text()
    return next(
        line for line in text.splitlines() if line.startswith("kaito_gateway_in_flight_requests ")
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_a_request_waits_for_the_restart(
    door: aiohttp.ClientSession, script: FakeBackend, stream: bool
) -> None:
    _take_down(script)
    first = asyncio.create_task(_ask(door, stream=stream))
    await until(lambda: not script.failures)
    others = [asyncio.create_task(_ask(door, stream=stream)) for _ in range(4)]
    await asyncio.wait((first, *others), timeout=0.1)
    assert not any(task.done() for task in (first, *others))
    script.health_now = UP
    answers = await asyncio.gather(first, *others)
    assert [status for status, _ in answers] == [200] * 5
    assert all("Hello" in text for _, text in answers)
    # The one that was refused at first ran once, like all others.
    assert len(script.requests) == 1 + 5


async def test_a_request_that_may_have_started_does_not_wait(
    door: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.failures.append(_unavailable(may_have_started=True))
    assert (await _ask(door))[0] == 503
    assert len(script.requests) == 1


@pytest.mark.parametrize("name", ["n/one", "phi", "style"], ids=["Workspace", "preset", "adapter"])
async def test_a_gateway_that_starts_while_the_model_is_away_holds_its_requests(
    tmp_path: Path, name: str
) -> None:
    adapters = (pb.Adapter(name="style", path="/mnt/adapters/style"),)
    script = FakeBackend(health_now=DOWN, loaded_adapters=adapters)
    script.loaded.name = "phi"
    async with front_door(tmp_path, {"one": script}, 0) as door:
        asking = asyncio.create_task(_ask(door, model=name))
        # The request is there once the gateway counts it as in flight, beside this one.
        async with asyncio.timeout(HANG_SECONDS):
            while not (await _in_flight(door)).endswith(" 2.0"):
                await asyncio.sleep(0.01)
        script.health_now = UP
        status, text = await asking
    assert (status, "Hello" in text) == (200, True)


async def test_a_listed_model_that_never_becomes_ready_is_not_waited_for_longer(
    tmp_path: Path,
) -> None:
    script = FakeBackend(health_now=DOWN)
    async with front_door(tmp_path, {"one": script}, 0, hold_seconds=0.1) as door:
        status, text = await _ask(door)
        assert (status, "restarts" in text) == (503, True)
        # Its names are no longer waited for, either.
        assert (await _ask(door, model="style"))[0] == 404


SEEN, UNSEEN = pb.Model(name="phi"), None


@pytest.mark.parametrize(
    ("states", "pause_seconds", "unknown"),
    [
        ([(100.0, 0.0, SEEN)], 60.0, []),
        ([(70.0, 0.0, SEEN)], 30.0, []),
        ([(40.0, 0.0, SEEN)], 0.0, []),
        ([(-math.inf, 0.0, SEEN)], 0.0, []),
        ([(70.0, 104.0, SEEN)], 4.0, []),
        ([(40.0, 104.0, SEEN)], 0.0, []),
        ([(70.0, 0.0, UNSEEN)], 30.0, [0]),
        ([(40.0, 0.0, UNSEEN)], 0.0, []),
        ([(40.0, 0.0, SEEN), (90.0, 101.0, UNSEEN), (40.0, 0.0, UNSEEN)], 1.0, [1]),
    ],
    ids=[
        "went just now",
        "went a while ago",
        "went too long ago",
        "hangs",
        "is ejected for less",
        "is ejected, and went too long ago",
        "was listed and never seen",
        "was listed too long ago",
        "the last of several counts",
    ],
)
def test_how_long_a_request_is_held(
    states: list[tuple[float, float, pb.Model | None]], pause_seconds: float, unknown: list[int]
) -> None:
    endpoints = [
        Endpoint(
            address=EndpointAddress(namespace="n", workspace=str(index), model="phi", target="x:1"),
            backend=FakeBackend(),
            clock=lambda: 100.0,
            max_in_flight=8,
            expected_since=expected_since,
            ejected_until=ejected_until,
            model=model,
        )
        for index, (expected_since, ejected_until, model) in enumerate(states)
    ]
    assert hold_pause_seconds(endpoints, 60, 100.0) == pause_seconds
    assert unknown_endpoints(endpoints, 60, 100.0) == [endpoints[index] for index in unknown]


async def test_a_request_waits_no_longer_than_the_setting(
    script: FakeBackend, tmp_path: Path
) -> None:
    async with front_door(tmp_path, {"one": script}, 1, hold_seconds=0.1) as door:
        _take_down(script)
        status, text = await _ask(door)
    assert status == 503
    assert "draining" in text or "restarts" in text


@pytest.mark.parametrize("held", [8, 30])
async def test_held_requests_leave_room_for_other_models(
    script: FakeBackend, tmp_path: Path, held: int
) -> None:
    other = FakeBackend()
    backends = {"one": script, "two": other}
    async with front_door(tmp_path, backends, 2, max_concurrency=8) as door:
        _take_down(script)
        waiting = [asyncio.create_task(_ask(door)) for _ in range(held)]
        await until(lambda: sum(task.done() for task in waiting) == held - 4)
        refused = {task for task in waiting if task.done()}
        async with door.post(PATH, json={**HELLO, "model": "n/two"}) as response:
            assert response.status == 200
        script.health_now = UP
        answers = [status for status, _ in await asyncio.gather(*waiting)]
    # Half of the admissions, as for a model that hangs; each request that was held is answered.
    assert answers.count(200) == 4
    assert len(refused) == held - 4
    assert {task.result()[0] for task in refused} <= {429, 503}


async def test_held_bodies_leave_room_for_other_models(script: FakeBackend, tmp_path: Path) -> None:
    backends = {"one": script, "two": FakeBackend()}
    long: dict[str, object] = {**HELLO, "user": "x" * 1000}
    room = int(2.5 * len(json.dumps(long)))
    async with front_door(tmp_path, backends, 2, max_held_bytes=room) as door:
        _take_down(script)
        held = asyncio.create_task(_status(door, long))
        await until(lambda: not script.failures)
        # With a second one, the model would have more than what is left for all others.
        assert await _status(door, long) == 503
        assert await _status(door, {**long, "model": "n/two"}) == 200
        script.health_now = UP
        assert await held == 200


async def _status(client: aiohttp.ClientSession, body: dict[str, object]) -> int:
    async with client.post(PATH, json=body) as response:
        return response.status


async def test_a_client_that_leaves_is_not_held(
    door: aiohttp.ClientSession, script: FakeBackend
) -> None:
    _take_down(script)
    asking = asyncio.create_task(_ask(door))
    await until(lambda: not script.failures)
    asking.cancel()

    async with asyncio.timeout(HANG_SECONDS):
        # The request for the metrics counts itself.
        while not (await _in_flight(door)).endswith(" 1.0"):
            await asyncio.sleep(0.01)
    assert len(script.requests) == 1


async def test_a_gateway_in_a_pod_answers_at_once(script: FakeBackend) -> None:
    async with gateway(lambda _: script) as client:
        script.failures.append(_unavailable(may_have_started=False))
        async with client.post(PATH, json={**HELLO, "model": ""}) as response:
            assert response.status == 503
