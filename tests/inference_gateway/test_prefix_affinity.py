"""A front door sends the turns of a conversation to the replica that has seen the others."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from inference_gateway.backends.fake import FakeBackend
from tests.inference_gateway.running import front_door
from tests.waiting import until

PATH = "/v1/chat/completions"
MODEL = "phi-3-mini-128k-instruct"
REPLICAS = ("one", "two", "three", "four")


def conversation(number: int, turns: int) -> list[dict[str, str]]:
    messages = [{"role": "system", "content": "You are brief."}]
    for turn in range(turns):
        messages += [
            {"role": "user", "content": f"question {turn} of conversation {number}"},
            {"role": "assistant", "content": f"answer {turn}"},
        ]
    return messages[:-1]


async def ask(door: aiohttp.ClientSession, messages: Any, **changes: Any) -> None:
    headers = changes.pop("headers", {})
    body = {"model": MODEL, "messages": messages, **changes}
    async with door.post(PATH, json=body, headers=headers) as response:
        assert response.status == 200, await response.text()
        assert "x-kaito-ignored-parameters" not in response.headers


def answered_by(scripts: dict[str, FakeBackend]) -> list[str]:
    """Which replicas have answered since the last call."""
    found = [name for name, script in scripts.items() for _ in script.requests]
    for script in scripts.values():
        script.requests.clear()
    return found


async def test_turns_of_a_conversation_go_to_one_replica(tmp_path: Path) -> None:
    scripts = {name: FakeBackend() for name in REPLICAS}
    async with front_door(tmp_path, scripts, len(REPLICAS)) as door:
        owners = set()
        for number in range(12):
            for turns in (1, 2, 3):
                await ask(door, conversation(number, turns))
            (owner,) = set(answered_by(scripts))
            owners.add(owner)
        assert len(owners) > 1


async def test_requests_of_a_session_go_to_one_replica(tmp_path: Path) -> None:
    scripts = {name: FakeBackend() for name in REPLICAS}
    async with front_door(tmp_path, scripts, len(REPLICAS)) as door:
        for number in range(12):
            await ask(door, conversation(number, 1), headers={"X-Session-Id": "s"})
        assert len(set(answered_by(scripts))) == 1
        for number in range(12):
            await ask(door, conversation(number, 1), prompt_cache_key="k")
        assert len(set(answered_by(scripts))) == 1


async def test_a_hot_conversation_spills_over(tmp_path: Path) -> None:
    scripts = {name: FakeBackend() for name in REPLICAS}
    for script in scripts.values():
        script.gate.clear()
    async with front_door(tmp_path, scripts, len(REPLICAS)) as door:
        asking = [asyncio.create_task(ask(door, conversation(1, 1))) for _ in range(16)]
        await until(lambda: sum(len(script.requests) for script in scripts.values()) == 16)
        assert max(len(script.requests) for script in scripts.values()) == 5
        for script in scripts.values():
            script.gate.set()
        await asyncio.gather(*asking)


async def test_a_full_replica_does_not_reject_what_another_has_room_for(tmp_path: Path) -> None:
    scripts = {name: FakeBackend() for name in ("one", "two")}
    for script in scripts.values():
        script.gate.clear()
    async with front_door(tmp_path, scripts, 2, max_backend_concurrency=1) as door:
        asking = [asyncio.create_task(ask(door, conversation(1, 1))) for _ in range(2)]
        await until(lambda: all(script.requests for script in scripts.values()))
        for script in scripts.values():
            script.gate.set()
        await asyncio.gather(*asking)
