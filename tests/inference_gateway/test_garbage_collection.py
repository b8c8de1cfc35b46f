"""Requests leave no reference cycles, so that the gateway needs no full collections."""

import gc
import json
import re
from collections.abc import Iterator

import pytest

from inference_gateway.backends.fake import FakeBackend
from tests.inference_gateway.running import gateway
from tests.inference_gateway.test_server import connection

REQUESTS = 20
BODIES = {
    "whole": {"messages": [{"role": "user", "content": "Hi"}]},
    "streamed": {"messages": [{"role": "user", "content": "Hi"}], "stream": True},
    "refused": {"messages": [{"role": "user", "content": "Hi"}], "model": "gpt-9"},
}


@pytest.fixture
def no_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_requests_leave_no_cycles(
    script: FakeBackend, body: dict[str, object], no_collections: None
) -> None:
    async with (
        gateway(lambda _: script) as client,
        connection(client) as (reader, writer),
    ):
        # A client that leaves no cycles either, on one connection.
        async def answer() -> bytes:
            data = json.dumps(body).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(data)}"
            writer.write(head.encode() + b"\r\n\r\n" + data)
            headers = await reader.readuntil(b"\r\n\r\n")
            if length := re.search(rb"content-length: (\d+)", headers):
                return await reader.readexactly(int(length[1]))
            return await reader.readuntil(b"0\r\n\r\n")

        await answer()
        gc.collect()
        for _ in range(REQUESTS):
            await answer()
        # A cycle per request would be at least two objects for each.
        assert gc.collect() < REQUESTS
