"""lightkube over aiohttp: responses, errors and silence arrive as lightkube expects them."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from httpx2 import Timeout
from lightkube import AsyncClient, KubeConfig
from lightkube.config.models import Cluster, User

from kaito_kube import aiohttp_transport, lightkube_cluster
from kaito_kube.aiohttp_transport import AiohttpTransport
from kaito_kube.errors import ClusterError, Conflict, Expired, Forbidden, NotFound, Unavailable
from kaito_kube.kinds import CONFIG_MAP, POD
from kaito_kube.lightkube_cluster import LightkubeCluster
from tests.waiting import HANG_SECONDS

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
POD_1 = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "team"}}


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[LightkubeCluster]:
    """A server with this handler, and a client for it."""
    runner = web.ServerRunner(web.Server(handler))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with client(port) as cluster:
            yield cluster
    finally:
        await runner.cleanup()


def client(port: int, scheme: str = "http") -> LightkubeCluster:
    server, user = Cluster(server=f"{scheme}://127.0.0.1:{port}"), User(token="secret")
    config = KubeConfig.from_one(cluster=server, user=user)
    transport = AiohttpTransport(ssl.create_default_context())
    return LightkubeCluster(AsyncClient(config, timeout=Timeout(0.5), transport=transport))


async def test_request_and_response_arrive_unchanged() -> None:
    seen: list[web.BaseRequest] = []
    bodies: list[object] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(request)
        bodies.append(await request.json() if request.can_read_body else None)
        listed = {"metadata": {"resourceVersion": "7"}, "items": [POD_1]}
        return web.json_response(POD_1 if request.method == "POST" else listed)

    async with serving(handler) as cluster:
        created_map = await cluster.create(
            CONFIG_MAP, {"metadata": {"name": "a", "namespace": "team"}}
        )
        listing = await cluster.list(POD, labels={"kaito.sh/workspace": "a", "role": None})
    assert created_map["metadata"]["name"] == "a" and listing.resource_version == "7"
    created, listed = seen
    assert created.headers["Authorization"] == "Bearer secret"
    assert (created.method, created.path) == ("POST", "/api/v1/namespaces/team/configmaps")
    assert created.content_type == "application/json" and bodies[0]
    assert listed.query["labelSelector"] == "kaito.sh/workspace=a,role"


@pytest.mark.parametrize("gzipped", [False, True], ids=["plain", "compressed"])
async def test_watch_streams_changes(gzipped: bool) -> None:
    async def handler(_: web.BaseRequest) -> web.StreamResponse:
        lines = [{"type": "ADDED", "object": POD_1}, {"type": "DELETED", "object": POD_1}]
        response = web.Response(text="".join(f"{json.dumps(line)}\n" for line in lines))
        if gzipped:
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async with serving(handler) as cluster:
        changes = cluster.watch(POD, "1")
        found = [await anext(changes), await anext(changes)]
    assert [change.type for change in found] == ["ADDED", "DELETED"]
    assert found[0].manifest["metadata"] == POD_1["metadata"]


async def test_error_carries_the_servers_message() -> None:
    async def handler(_: web.BaseRequest) -> web.Response:
        status = {"apiVersion": "v1", "kind": "Status", "code": 409, "message": "it changed"}
        headers = {"Content-Type": "application/json"}
        return web.Response(body=json.dumps(status).encode(), status=409, headers=headers)

    async with serving(handler) as cluster:
        with pytest.raises(Conflict, match="it changed"):
            await cluster.get(POD, "a", "team")


async def test_silent_server_is_unavailable() -> None:
    enough = asyncio.Event()

    async def handler(_: web.BaseRequest) -> web.Response:
        await enough.wait()
        return web.Response()

    async with serving(handler) as cluster:
        with pytest.raises(Unavailable, match="ReadTimeout"):
            await cluster.get(POD, "a", "team")
        enough.set()


async def test_truncated_response_is_unavailable() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(handler) as cluster:
        with pytest.raises(Unavailable, match="ReadError"):
            await cluster.get(POD, "a", "team")


async def test_refused_connection_is_unavailable() -> None:
    async with client(1) as cluster:
        with pytest.raises(Unavailable, match="ConnectError"):
            await cluster.get(POD, "a", "team")


async def test_missing_tls_handshake_is_unavailable() -> None:
    """The kernel accepts the connection, but nothing ever answers the handshake."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with client(silent.getsockname()[1], "https") as cluster:
            with pytest.raises(Unavailable, match="ConnectTimeout"):
                await cluster.get(POD, "a", "team")


async def test_connection_is_reused() -> None:
    peers: list[object] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        status = 404 if request.method == "DELETE" else 200
        return web.json_response(POD_1 if status == 200 else ERROR_STATUS, status=status)

    async with serving(handler) as cluster:
        await cluster.get(POD, "a", "team")
        with pytest.raises(NotFound):
            await cluster.delete(POD, "a", "team")
        await cluster.create(POD, POD_1)
    assert len(peers) == 3 and len(set(peers)) == 1


ERROR_STATUS = {"apiVersion": "v1", "kind": "Status", "message": "no"}


def responding(status: int, body: bytes = b"", kind: str | None = "text/plain") -> Handler:
    async def handler(_: web.BaseRequest) -> web.Response:
        response = web.Response(status=status, body=body)
        response.headers.popall("Content-Type", None)
        if kind is not None:
            response.headers["Content-Type"] = kind
        return response

    return handler


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        (responding(200, b"<html>welcome</html>", "text/html"), Unavailable),
        (responding(200, b"[]", "application/json"), Unavailable),
        (responding(302, kind=None), Unavailable),
        (responding(401, b"Unauthorized"), Forbidden),
        (responding(404, b"page not found"), NotFound),
        (responding(410, kind=None), Expired),
        (responding(502, b'{"error":"no upstream"}', "application/json"), Unavailable),
        (responding(502, b"{", "application/json"), Unavailable),
        (responding(502, b'"no upstream"', "application/json"), Unavailable),
        (responding(503, kind=None), Unavailable),
    ],
    ids=[
        "a page",
        "a JSON list",
        "a redirect",
        "unauthorized",
        "no such path",
        "gone",
        "a proxy's JSON",
        "truncated JSON",
        "a JSON string",
        "a status code only",
    ],
)
async def test_responses_of_proxies_and_half_started_servers_are_translated(
    handler: Handler, expected: type[ClusterError]
) -> None:
    async with serving(handler) as cluster:
        with pytest.raises(expected) as listed:
            await cluster.list(POD)
        with pytest.raises(expected):
            await anext(aiter(cluster.watch(POD, "1")))
    assert str(listed.value) and "\n" not in str(listed.value)


async def test_canceled_request_closes_its_connection() -> None:
    received, closed = asyncio.Event(), asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.Response:
        received.set()
        await until_disconnected(request)
        closed.set()
        return web.Response()

    async with serving(handler) as cluster:
        request_task = asyncio.create_task(cluster.create(POD, POD_1))
        await received.wait()
        request_task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request_task
        async with asyncio.timeout(HANG_SECONDS):
            await closed.wait()


async def until_disconnected(request: web.BaseRequest) -> None:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.01)


def watch_of(changes: int, then: Handler) -> Handler:
    """Starts a watch, sends so many changes, and calls `then`."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(changes):
            line = json.dumps({"type": "ADDED", "object": POD_1})
            await response.write(f"{line}\n".encode())
        await then(request)
        return response

    return handler


async def end(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


async def break_off(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    await asyncio.sleep(0.1)
    request.transport.abort()
    return web.Response()


async def stay_open(request: web.BaseRequest) -> web.StreamResponse:
    await until_disconnected(request)
    return web.Response()


async def test_watch_that_breaks_off_is_unavailable_after_its_events() -> None:
    async with serving(watch_of(2, break_off)) as cluster:
        changes = cluster.watch(POD, "1")
        assert [(await anext(changes)).type for _ in range(2)] == ["ADDED", "ADDED"]
        with pytest.raises(Unavailable, match="ReadError"):
            await anext(changes)


async def test_watch_ends_when_the_server_ends_it() -> None:
    """Whoever watches learns that the server still answers, and watches on by itself."""
    begun = 0
    tell = watch_of(1, end)

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal begun
        begun += 1
        return await tell(request)

    async with serving(handler) as cluster:
        assert [change.type async for change in cluster.watch(POD, "1")] == ["ADDED"]
    assert begun == 1


async def test_watch_of_an_empty_body_ends_without_a_change() -> None:
    async with serving(responding(200)) as cluster:
        with pytest.raises(Unavailable):
            await cluster.list(POD)
        assert [change async for change in cluster.watch(POD, "1")] == []


async def test_watch_that_is_silent_beyond_its_end_is_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server may have disappeared without closing the connection."""
    monkeypatch.setattr(lightkube_cluster, "WATCH_SECONDS", 1)
    monkeypatch.setattr(aiohttp_transport, "_WATCH_GRACE_SECONDS", 0.1)
    async with serving(watch_of(1, stay_open)) as cluster:
        changes = cluster.watch(POD, "1")
        await anext(changes)
        with pytest.raises(Unavailable, match="ReadTimeout"):
            await anext(changes)


async def test_quiet_watch_outlives_the_timeout_of_other_requests() -> None:
    """The client's timeout is half a second here."""
    async with serving(watch_of(1, stay_open)) as cluster:
        changes = cluster.watch(POD, "1")
        await anext(changes)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(changes)


async def test_abandoned_watch_closes_its_connection() -> None:
    left = asyncio.Event()

    async def leaves(request: web.BaseRequest) -> web.StreamResponse:
        await until_disconnected(request)
        left.set()
        return web.Response()

    async with serving(watch_of(1, leaves)) as cluster:
        async for _ in cluster.watch(POD, "1"):
            break
        async with asyncio.timeout(HANG_SECONDS):
            await left.wait()


async def test_continue_token_is_sent_unchanged() -> None:
    token = "a+b/c==&d e"
    seen: list[str | None] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append(request.query.get("continue"))
        more = {"continue": token} if len(seen) == 1 else {}
        listed = {"metadata": {"resourceVersion": "7", **more}, "items": [POD_1]}
        return web.json_response(listed)

    async with serving(handler) as cluster:
        assert len((await cluster.list(POD)).items) == 2
    assert seen == [None, token]
