"""A small request in its forms, and how to read a stream of events."""

import json
from typing import Any

import aiohttp

CHAT = "/v1/chat/completions"
HI: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}]}
STREAM = HI | {"stream": True}


async def events(response: aiohttp.ClientResponse) -> list[Any]:
    text = await response.text()
    lines = [
        line.removeprefix("data: ") for line in text.split("\n\n") if line[:1] not in ("", ":")
    ]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]
