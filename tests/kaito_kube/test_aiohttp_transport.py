"""lightkube over aiohttp: answers, refusals and silence come through as lightkube knows them."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from httpx2 import Timeout
from lightkube import AsyncClient, KubeConfig
from lightkube.config.models import Cluster, User

from kaito_kube.aiohttp_transport import AiohttpTransport
from kaito_kube.errors import Conflict, Unavailable
from kaito_kube.kinds import CONFIG_MAP, POD
from kaito_kube.lightkube_cluster import LightkubeCluster

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
POD_1 = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "team"}}


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[LightkubeCluster]:
    """A server that answers everything so, and a client of it."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with client(port) as cluster:
            yield cluster
    finally:
        await runner.cleanup()


def client(port: int) -> LightkubeCluster:
    server, user = Cluster(server=f"http://127.0.0.1:{port}"), User(token="secret")
    config = KubeConfig.from_one(cluster=server, user=user)
    transport = AiohttpTransport(ssl.create_default_context())
    return LightkubeCluster(AsyncClient(config, timeout=Timeout(0.5), transport=transport))


async def test_a_request_arrives_as_it_was_meant_and_the_answer_comes_back() -> None:
    seen: list[web.BaseRequest] = []
    bodies: list[object] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.append(request)
        bodies.append(await request.json() if request.can_read_body else None)
        listed = {"metadata": {"resourceVersion": "7"}, "items": [POD_1]}
        return web.json_response(POD_1 if request.method == "POST" else listed)

    async with answering(answer) as cluster:
        made = await cluster.create(CONFIG_MAP, {"metadata": {"name": "a", "namespace": "team"}})
        listing = await cluster.list(POD, labels={"kaito.sh/workspace": "a", "role": None})
    assert made["metadata"]["name"] == "a" and listing.resource_version == "7"
    created, listed = seen
    assert created.headers["Authorization"] == "Bearer secret"
    assert (created.method, created.path) == ("POST", "/api/v1/namespaces/team/configmaps")
    assert created.content_type == "application/json" and bodies[0]
    assert listed.query["labelSelector"] == "kaito.sh/workspace=a,role"


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "compressed"])
async def test_changes_come_one_after_the_other(gzipped: bool) -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        lines = [{"type": "ADDED", "object": POD_1}, {"type": "DELETED", "object": POD_1}]
        response = web.Response(text="".join(f"{json.dumps(line)}\n" for line in lines))
        if gzipped:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async with answering(answer) as cluster:
        changes = cluster.watch(POD, "1")
        found = [await anext(changes), await anext(changes)]
    assert [change.type for change in found] == ["ADDED", "DELETED"]
    assert found[0].manifest["metadata"] == POD_1["metadata"]


async def test_a_refusal_is_the_servers_word() -> None:
    async def answer(_: web.BaseRequest) -> web.Response:
        status = {"apiVersion": "v1", "kind": "Status", "code": 409, "message": "it changed"}
        headers = {"Content-Type": "application/json"}
        return web.Response(body=json.dumps(status).encode(), status=409, headers=headers)

    async with answering(answer) as cluster:
        with pytest.raises(Conflict, match="it changed"):
            await cluster.get(POD, "a", "team")


async def test_silence_is_unavailability() -> None:
    enough = asyncio.Event()

    async def answer(_: web.BaseRequest) -> web.Response:
        await enough.wait()
        return web.Response()

    async with answering(answer) as cluster:
        with pytest.raises(Unavailable, match="ReadTimeout"):
            await cluster.get(POD, "a", "team")
        enough.set()


async def test_an_answer_that_breaks_off_is_unavailability() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with answering(answer) as cluster:
        with pytest.raises(Unavailable, match="ReadError"):
            await cluster.get(POD, "a", "team")


async def test_a_closed_door_is_unavailability() -> None:
    async with client(1) as cluster:
        with pytest.raises(Unavailable, match="ConnectError"):
            await cluster.get(POD, "a", "team")
