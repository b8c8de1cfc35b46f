"""What an engine's own server answers reaches clients unmodified."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import BackendError
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.relaying.usage_events import UsageEventFilter
from inference_gateway.relaying.usage_scan import UsageScan
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.running import front_door, gateway, in_pod
from tests.waiting import HANG_SECONDS

RERANK = "/v1/rerank"
CHAT = "/v1/chat/completions"
STREAM = (b'data: {"choices": []}\n\n', b'data: {"usage": {"prompt_tokens": 3, ', b'"completion_')
USAGE = (b'tokens": 5}}\n\ndata: [DONE]\n\n',)
HELLO = {"messages": [{"role": "user", "content": "hello"}]}


def relays(
    script: FakeBackend, *paths: str, status: int = 200, body: Sequence[bytes] = (), **headers: str
) -> None:
    """Makes the script's engine have these routes, and answer so."""
    script.loaded.http_routes.extend(f"POST {path}" for path in paths)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    script.relay_head = pb.HttpResponseHead(
        status=status,
        headers=[pb.HttpHeader(name=name, value=value) for name, value in named.items()],
    )
    script.relay_body = tuple(body)


async def post(client: aiohttp.ClientSession, path: str, **body: Any) -> int:
    """The status of a response that is read to its end."""
    async with client.post(path, **body) as response:
        await response.read()
        return response.status


async def test_a_route_of_the_engine_alone(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    relays(script, RERANK, body=(b'{"sco', b're": 1}'), content_type="text/x", x_engine="v")
    await client.get("/v1/models")
    sent = b'{"model":"phi-3-mini-128k-instruct",  "documents": ["\xc3\xa9"]}'
    response = await client.post(
        f"{RERANK}?a=b%20c",
        data=sent,
        headers={"content-type": "application/json", "authorization": "Bearer s3cret"},
    )
    assert (response.status, await response.read()) == (200, b'{"score": 1}')
    assert (response.headers["content-type"], response.headers["x-engine"]) == ("text/x", "v")
    ((head, body),) = script.relayed
    assert (head.route, head.query, body) == (f"POST {RERANK}", "a=b%20c", sent)
    headers = {header.name: header.value for header in head.headers}
    assert headers == {"accept": "*/*", "content-type": "application/json"}
    assert head.model == "phi-3-mini-128k-instruct"
    assert head.request_id == response.headers["x-request-id"]


async def test_a_route_of_both_is_the_engines(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    relays(script, CHAT, body=(*STREAM, *USAGE), content_type="text/event-stream")
    await client.get("/v1/models")
    # No field of it is known here, and it is not looked at.
    image = {"type": "image_url", "image_url": {"url": "data:"}}
    body = {"messages": [{"role": "user", "content": [image]}], "stream": True}
    response = await client.post(CHAT, json=body)
    assert await response.read() == b"".join((*STREAM, *USAGE))
    assert not script.requests
    metrics = await (await client.get("/metrics")).text()
    assert 'kind="prompt",model="phi-3-mini-128k-instruct"} 3.0' in metrics
    assert 'kind="completion",model="phi-3-mini-128k-instruct"} 5.0' in metrics


async def test_other_routes_are_translated_as_before(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    relays(script, RERANK)
    await client.get("/v1/models")
    assert await post(client, CHAT, json=HELLO) == 200
    assert (len(script.requests), script.relayed) == (1, [])


async def test_an_error_of_the_engine_is_the_clients(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    relays(script, RERANK, status=422, body=(b"no",), content_type="text/plain")
    await client.get("/v1/models")
    response = await client.post(RERANK, json={})
    assert (response.status, await response.text()) == (422, "no")


async def test_a_form_names_its_model(client: aiohttp.ClientSession, script: FakeBackend) -> None:
    relays(script, "/v1/audio/transcriptions", body=(b"{}",))
    await client.get("/v1/models")
    form = aiohttp.FormData()
    form.add_field("file", b'\r\nname="model"\r\n\r\nwrong\r\n--', filename="a.wav")
    form.add_field("model", "phi-3-mini-128k-instruct")
    assert await post(client, "/v1/audio/transcriptions", data=form) == 200
    assert script.relayed[0][0].model == "phi-3-mini-128k-instruct"


@pytest.mark.parametrize("path", [RERANK, "/v1/messages", "/v1/audio/speech"])
async def test_a_route_that_no_engine_has_is_not_found(
    client: aiohttp.ClientSession, path: str
) -> None:
    response = await client.post(path, json={})
    assert response.status == 404
    error = (await response.json())["error"]
    assert error["message"] == f"the engine of this model does not answer {path}"
    assert (await client.get(path)).status == 405


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
    ],
)
async def test_a_response_is_not_stored_and_the_error_says_so(
    client: aiohttp.ClientSession, method: str, path: str
) -> None:
    response = await client.request(method, path)
    assert response.status == 404
    error = (await response.json())["error"]
    assert error["message"].endswith(
        "no responses are stored here; send the whole conversation as input"
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body is not a JSON object"),
        (b'{"model": 1}', "model must be a string"),
        (rb'{"model": "\ud83d"}', "model has half of a surrogate pair"),
    ],
)
async def test_a_body_without_a_readable_model_is_rejected(
    client: aiohttp.ClientSession, script: FakeBackend, body: bytes, says: str
) -> None:
    relays(script, RERANK)
    await client.get("/v1/models")
    response = await client.post(RERANK, data=body)
    assert response.status == 400
    assert (await response.json())["error"]["message"] == says


async def test_a_client_that_leaves_ends_the_exchange(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    relays(script, RERANK, body=(b"x" * 2**20,) * 64)
    await client.get("/v1/models")
    response = await client.post(RERANK, json={})
    response.close()
    async with asyncio.timeout(HANG_SECONDS):
        await script.canceled.wait()


@pytest.mark.parametrize(
    ("content_type", "ends"),
    [("text/event-stream", "event"), ("application/json", "closed")],
)
async def test_an_exchange_that_breaks_is_no_normal_end(
    client: aiohttp.ClientSession, script: FakeBackend, content_type: str, ends: str
) -> None:
    relays(script, CHAT, body=STREAM, content_type=content_type)
    script.break_after = 1
    await client.get("/v1/models")
    response = await client.post(CHAT, json={})
    if ends == "event":
        assert b"the engine broke" in await response.read()
    else:
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@pytest.mark.parametrize(
    ("status", "says"), [(0, "has no head"), (100, "has no head"), (999, "has no head")]
)
async def test_a_head_without_a_status_is_an_error(
    client: aiohttp.ClientSession, script: FakeBackend, status: int, says: str
) -> None:
    relays(script, RERANK, status=status)
    await client.get("/v1/models")
    response = await client.post(RERANK, json={})
    assert response.status == 500
    assert says in (await response.json())["error"]["message"]


async def test_an_engine_that_does_not_begin_is_given_up(script: FakeBackend) -> None:
    relays(script, RERANK)
    script.gate.clear()
    settings = in_pod(first_token_timeout_seconds=0.05)
    async with gateway(lambda _: script, settings) as client:
        await client.get("/v1/models")
        response = await client.post(RERANK, json={})
        assert response.status == 504
        assert "did not begin to answer" in (await response.json())["error"]["message"]


async def test_the_front_door_relays_to_the_model_that_is_named(tmp_path: Path) -> None:
    with_engine, without = FakeBackend(), FakeBackend()
    relays(with_engine, RERANK, CHAT, body=(b"{}",))
    async with front_door(tmp_path, {"vllm": with_engine, "plain": without}, 2) as client:
        assert await post(client, RERANK, json={"model": "vllm"}) == 200
        assert with_engine.relayed[0][0].model == ""
        assert await post(client, RERANK, json={"model": "plain"}) == 404
        assert await post(client, f"/workspaces/n/vllm{RERANK}", json={}) == 200
        unknown = await client.post(RERANK, json={"model": "owl"})
        assert unknown.status == 404
        assert "n/vllm" in await unknown.text()
        # The same route is translated for a model whose engine does not have it.
        assert await post(client, CHAT, json={**HELLO, "model": "plain"}) == 200
        assert len(without.requests) == 1


async def test_what_has_not_started_is_tried_on_the_next_replica(tmp_path: Path) -> None:
    down = BackendError(grpc.StatusCode.UNAVAILABLE, "draining", may_have_started=False)
    first, second = FakeBackend(), FakeBackend()
    for script in (first, second):
        relays(script, RERANK, body=(b"{}",))
        script.loaded.name = "twin"
    first.failures.append(down)
    async with front_door(tmp_path, {"a": first, "b": second}, 2) as client:
        assert await post(client, RERANK, json={"model": "twin"}) == 200
        assert (len(first.relayed), len(second.relayed)) == (1, 1)


@pytest.mark.parametrize(
    ("parts", "prompt", "completion"),
    [
        ((b'{"usage": {"prompt_tokens": 3, "completion_tokens": 5}, "id": 1}',), 3, 5),
        ((b'{"usage":{"input_tokens":3,"output_tokens":5,"details":{"a":{}}}}',), 3, 5),
        ((b'{"text": "\\"usage\\": {", "usage": {"prompt_tokens": 1}}',), 1, 0),
        ((b"x" * 9000, b'{"usage": {"total_tok', b'ens": 1}}'), 0, 0),
        ((b'{"usage": {"prompt_tokens": -1, "completion_tokens": "x"}}',), 0, 0),
        ((b'{"usage": {', b""), 0, 0),
        ((b'{"usage": null}',), 0, 0),
        ((), 0, 0),
    ],
)
def test_tokens_are_counted_from_the_end_of_a_body(
    parts: tuple[bytes, ...], prompt: int, completion: int
) -> None:
    scan = UsageScan()
    for part in parts:
        scan.add(part)
    expected = pb.Usage(prompt_tokens=prompt, completion_tokens=completion)
    assert (scan.usage() or pb.Usage()) == expected


@pytest.mark.parametrize(
    "end",
    [
        b'{"usage":{"a":' + b"[" * 3000,
        b'{"usage":{"prompt_tokens":' + b"9" * 4050 + b"}}",
        b'{"usage":{"prompt_tokens":true,"completion_tokens":1.5}}',
        b'"usage":{' * 400,
    ],
    ids=["deep", "digits", "types", "repeated"],
)
def test_a_usage_that_cannot_be_read_counts_nothing(end: bytes) -> None:
    scan = UsageScan()
    scan.add(end)
    assert scan.usage() is None


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
def test_events_are_passed_on_as_they_come_whatever_ends_their_lines(end: str) -> None:
    events = [f'data: {{"choices":{choices}}}{end}'.encode() for choices in ("[1]", "[]", "[2]")]
    body = b"".join(events) + b"data: [DONE]"
    filtered = UsageEventFilter()
    passed = [filtered.feed(body[at : at + 1]) for at in range(len(body))]
    assert [each for each in passed if each] == [events[0], events[2]]
    assert filtered.end() == b"data: [DONE]"


def test_events_are_counted_across_parts_of_a_body() -> None:
    body = b'event: a\ndata: {"x":"data:"}\n\nevent: b\r\ndata: 1\r\n\r\n: ping\n\ndata: 2\n\n'
    scan = UsageScan()
    for at in range(len(body)):
        scan.add(body[at : at + 1])
    whole = UsageScan()
    whole.add(body)
    assert (scan.events, whole.events) == (3, 3)
