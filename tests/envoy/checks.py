"""What a client of an Envoy with the endpoint picker meets. A check raises if it is otherwise."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from inference_gateway.backends.backend import Health
from tests.envoy.pods import EVENTS
from tests.envoy.world import BUFFERED, NONE, STREAMED, TWO, World
from tests.inference_gateway.picker_client import CHAT, DESTINATION, MODEL
from tests.waiting import until

_CONVERSATIONS = 12
Check = Callable[[World], Awaitable[str]]


def chat(number: int = 0, turns: int = 1, **changes: Any) -> bytes:
    messages = []
    for turn in range(turns):
        messages += [
            {"role": "user", "content": f"question {turn} of conversation {number}"},
            {"role": "assistant", "content": f"answer {turn}"},
        ]
    return json.dumps({"model": MODEL, "messages": messages[:-1], **changes}).encode()


async def ask(
    world: World, listener: str, body: bytes, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The answer, with its status."""
    sent = {"content-type": "application/json", **(headers or {})}
    async with world.client.post(world.urls[listener] + CHAT, data=body, headers=sent) as response:
        return {"status": response.status, **await response.json()}


async def affinity(world: World) -> str:
    """All turns of a conversation reach one pod, and all pods together share the conversations."""
    owners = set()
    for number in range(_CONVERSATIONS):
        found = {(await ask(world, STREAMED, chat(number, n)))["served_by"] for n in (1, 2, 3)}
        assert len(found) == 1, found
        owners |= found
    assert len(owners) > 1, owners
    return f"{_CONVERSATIONS} conversations of 3 turns, on {len(owners)} pods"


async def buffered_bodies(world: World) -> str:
    """The body mode makes no difference to the choice."""
    for number in range(_CONVERSATIONS):
        streamed = await ask(world, STREAMED, chat(number))
        buffered = await ask(world, BUFFERED, chat(number))
        assert streamed == buffered, (streamed, buffered)
    return f"{_CONVERSATIONS} requests, each at the same pod as when streamed"


async def offered_endpoints(world: World) -> str:
    """Only pods that the gateway offers are picked."""
    found = {(await ask(world, TWO, chat(number)))["served_by"] for number in range(20)}
    assert found == {"two", "four"}, found
    answer = await ask(world, NONE, chat())
    assert answer["status"] == 503, answer
    return f"pods two and four alone; no pod of ours: 503, {answer['error']['message']}"


async def large_bodies(world: World) -> str:
    """A body arrives as it was sent."""
    body = chat(user="é" * 500_000)
    answer = await ask(world, STREAMED, body)
    assert answer["sha256"] == hashlib.sha256(body).hexdigest(), answer
    return f"{len(body)} bytes arrive as they were sent"


async def streams(world: World) -> str:
    """A streamed answer passes unchanged, and its load is counted until it ends."""
    body = chat(stream=True)
    async with world.client.post(world.urls[STREAMED] + CHAT, data=body) as response:
        received = await response.read()
    assert received == b"".join(EVENTS), received
    endpoints = world.picker.pool.endpoints
    await until(lambda: not any(each.in_flight for each in endpoints))
    assert sum(each.first_tokens.count for each in endpoints) == 1
    return "events pass unchanged; first token timed; nothing in flight afterwards"


async def addresses_of_clients(world: World) -> str:
    """A client cannot choose the address itself."""
    forged = {DESTINATION: "127.0.0.1:1"}
    expected = await ask(world, STREAMED, chat(7))
    answer = await ask(world, STREAMED, chat(7), forged)
    assert answer == expected, answer
    return "a client's own destination header is overwritten"


async def rejections(world: World) -> str:
    """A body that names no model is rejected with the cause."""
    found = {}
    for body in (b"{", chat(model="gpt-9")):
        answer = await ask(world, STREAMED, body)
        found[answer["status"]] = answer["error"]["message"]
    assert sorted(found) == [400, 404], found
    return "; ".join(f"{status}: {message[:44]}" for status, message in found.items())


async def a_model_that_is_away(world: World) -> str:
    """A request for a model none of whose pods is ready waits for it."""
    await world.set_health(Health(serving=False, detail="no node yet"))
    asking = asyncio.create_task(ask(world, STREAMED, chat()))
    endpoints = world.picker.pool.endpoints
    await until(lambda: any(each.waiting for each in endpoints))
    await world.set_health(Health(serving=True))
    answer = await asking
    assert answer["status"] == 200, answer
    return f"held while no pod is ready, then answered by {answer['served_by']}"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("affinity", affinity),
    ("buffered bodies", buffered_bodies),
    ("offered endpoints", offered_endpoints),
    ("large bodies", large_bodies),
    ("streams", streams),
    ("forged address", addresses_of_clients),
    ("rejections", rejections),
    ("a model at zero", a_model_that_is_away),
)
