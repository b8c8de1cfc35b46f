"""Pods of a model: HTTP servers that say which of them has answered, and what it got."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

# Every address of 127.0.0.0/8 is this host's, so each pod has one of its own.
NAMES = ("one", "two", "three", "four")
HOSTS = {name: f"127.0.0.{number}" for number, name in enumerate(NAMES, start=11)}
EVENTS = (b"data: 1\n\n", b"data: 2\n\n", b"data: [DONE]\n\n")


@asynccontextmanager
async def pods(names: Sequence[str]) -> AsyncIterator[int]:
    """Serves on the addresses of these pods; the port is the same for all."""
    runners: list[web.AppRunner] = []
    port = 0
    try:
        for name in names:
            runner = web.AppRunner(_application(name))
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, HOSTS[name], port).start()
            port = runner.addresses[0][1]
        yield port
    finally:
        for runner in runners:
            await runner.cleanup()


def _application(name: str) -> web.Application:
    async def answer(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if b'"stream": true' in body:
            return await _stream(request)
        digest = hashlib.sha256(body).hexdigest()
        return web.json_response({"served_by": name, "sha256": digest})

    application = web.Application(client_max_size=2**24)
    application.router.add_route("*", "/{path:.*}", answer)
    return application


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    for event in EVENTS:
        await response.write(event)
    await response.write_eof()
    return response
