"""lightkube over aiohttp: answers, refusals and silence come through as lightkube knows them."""

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


def client(port: int, scheme: str = "http") -> LightkubeCluster:
    server, user = Cluster(server=f"{scheme}://127.0.0.1:{port}"), User(token="secret")
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


async def test_a_door_that_nobody_comes_to_is_unavailability() -> None:
    """Whoever listens has the connection taken for him, and never speaks TLS."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with client(silent.getsockname()[1], "https") as cluster:
            with pytest.raises(Unavailable, match="ConnectTimeout"):
                await cluster.get(POD, "a", "team")


async def test_one_connection_serves_one_request_after_the_other() -> None:
    peers: list[object] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        status = 404 if request.method == "DELETE" else 200
        return web.json_response(POD_1 if status == 200 else REFUSAL, status=status)

    async with answering(answer) as cluster:
        await cluster.get(POD, "a", "team")
        with pytest.raises(NotFound):
            await cluster.delete(POD, "a", "team")
        await cluster.create(POD, POD_1)
    assert len(peers) == 3 and len(set(peers)) == 1


REFUSAL = {"apiVersion": "v1", "kind": "Status", "message": "no"}


def odd(status: int, body: bytes = b"", kind: str | None = "text/plain") -> Answer:
    async def answer(_: web.BaseRequest) -> web.Response:
        response = web.Response(status=status, body=body)
        response.headers.popall("Content-Type", None)
        if kind is not None:
            response.headers["Content-Type"] = kind
        return response

    return answer


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        (odd(200, b"<html>welcome</html>", "text/html"), Unavailable),
        (odd(200), Unavailable),
        (odd(200, b"[]", "application/json"), Unavailable),
        (odd(302, kind=None), Unavailable),
        (odd(401, b"Unauthorized"), Forbidden),
        (odd(404, b"page not found"), NotFound),
        (odd(410, kind=None), Expired),
        (odd(502, b'{"error":"no upstream"}', "application/json"), Unavailable),
        (odd(502, b"{", "application/json"), Unavailable),
        (odd(502, b'"no upstream"', "application/json"), Unavailable),
        (odd(503, kind=None), Unavailable),
    ],
    ids=[
        "a page",
        "nothing",
        "another JSON",
        "elsewhere",
        "unauthorized",
        "no path",
        "gone",
        "JSON of a proxy's",
        "half of JSON",
        "a word of JSON",
        "a status alone",
    ],
)
async def test_what_a_proxy_or_a_half_started_server_answers_is_an_error_of_ours(
    answer: Answer, meant: type[ClusterError]
) -> None:
    async with answering(answer) as cluster:
        with pytest.raises(meant) as listed:
            await cluster.list(POD)
        with pytest.raises(meant):
            await anext(aiter(cluster.watch(POD, "1")))
    assert str(listed.value) and "\n" not in str(listed.value)


async def test_a_request_that_is_given_up_is_given_up_at_the_server_too() -> None:
    asked, given_up = asyncio.Event(), asyncio.Event()

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.set()
        await until_left(request)
        given_up.set()
        return web.Response()

    async with answering(answer) as cluster:
        asking = asyncio.create_task(cluster.create(POD, POD_1))
        await asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        async with asyncio.timeout(5):
            await given_up.wait()


async def until_left(request: web.BaseRequest) -> None:
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.01)


def telling(changes: int, then: Answer) -> Answer:
    """The beginning of a watch, and what the server does after so many changes."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(changes):
            line = json.dumps({"type": "ADDED", "object": POD_1})
            await response.write(f"{line}\n".encode())
        await then(request)
        return response

    return answer


async def ends(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


async def breaks_off(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    await asyncio.sleep(0.1)
    request.transport.abort()
    return web.Response()


async def stays(request: web.BaseRequest) -> web.StreamResponse:
    await until_left(request)
    return web.Response()


async def test_a_watch_that_breaks_off_midway_is_unavailability_after_what_it_told() -> None:
    async with answering(telling(2, breaks_off)) as cluster:
        changes = cluster.watch(POD, "1")
        assert [(await anext(changes)).type for _ in range(2)] == ["ADDED", "ADDED"]
        with pytest.raises(Unavailable, match="ReadError"):
            await anext(changes)


async def test_a_watch_that_the_server_ends_goes_on_from_the_last_change() -> None:
    versions: list[str] = []
    tell = telling(1, ends)
    changed = {**POD_1, "metadata": {"name": "a", "resourceVersion": "9"}}

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        versions.append(request.query["resourceVersion"])
        if len(versions) > 1:
            return await tell(request)
        return web.Response(text=f"{json.dumps({'type': 'MODIFIED', 'object': changed})}\n")

    async with answering(answer) as cluster:
        changes = cluster.watch(POD, "1")
        assert [(await anext(changes)).type for _ in range(2)] == ["MODIFIED", "ADDED"]
    assert versions == ["1", "9"]


async def test_a_watch_that_ends_as_it_begins_is_not_begun_again_and_again() -> None:
    begun = 0

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        nonlocal begun
        begun += 1
        return web.Response()

    async with answering(answer) as cluster:
        with pytest.raises(Unavailable, match="ended as it began"):
            await anext(aiter(cluster.watch(POD, "1")))
    assert begun == 1


async def test_a_watch_that_is_silent_for_longer_than_it_lasts_is_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its other end may be gone without a word."""
    monkeypatch.setattr(lightkube_cluster, "WATCH_SECONDS", 1)
    monkeypatch.setattr(aiohttp_transport, "_GRACE_SECONDS", 0.1)
    async with answering(telling(1, stays)) as cluster:
        changes = cluster.watch(POD, "1")
        await anext(changes)
        with pytest.raises(Unavailable, match="ReadTimeout"):
            await anext(changes)


async def test_a_watch_is_as_patient_as_the_server_was_told_it_would_be() -> None:
    """A quiet one does not end with the patience for other requests, which is half a second."""
    async with answering(telling(1, stays)) as cluster:
        changes = cluster.watch(POD, "1")
        await anext(changes)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(changes)


async def test_a_watch_that_nobody_follows_any_more_is_left() -> None:
    left = asyncio.Event()

    async def leaves(request: web.BaseRequest) -> web.StreamResponse:
        await until_left(request)
        left.set()
        return web.Response()

    async with answering(telling(1, leaves)) as cluster:
        async for _ in cluster.watch(POD, "1"):
            break
        async with asyncio.timeout(5):
            await left.wait()


async def test_what_a_listing_is_continued_with_arrives_as_it_was_given() -> None:
    token = "a+b/c==&d e"
    seen: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        seen.append(request.query.get("continue"))
        more = {"continue": token} if len(seen) == 1 else {}
        listed = {"metadata": {"resourceVersion": "7", **more}, "items": [POD_1]}
        return web.json_response(listed)

    async with answering(answer) as cluster:
        assert len((await cluster.list(POD)).items) == 2
    assert seen == [None, token]
