"""The endpoint picker, as a gateway with Envoy's ext_proc filter meets it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from inference_gateway.backends.backend import Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.endpoints.prompt_start import prompt_start
from inference_gateway.picker.service import LIVENESS, READINESS
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.picker_client import (
    BUFFERED,
    CHAT,
    MODEL,
    PickerClient,
    body_message,
    headers_message,
    picked,
    picker,
    response_body_message,
    response_headers_message,
)
from tests.waiting import until

NAMES = ("one", "two", "three", "four")
ADDRESSES = {name: f"10.0.0.{number}:5000" for number, name in enumerate(NAMES, start=1)}
DOWN = Health(serving=False, detail="loading")


def script(name: str, **changes: Any) -> FakeBackend:
    found = FakeBackend(**changes)
    found.loaded.pod_address = ADDRESSES[name].removesuffix(":5000")
    return found


@pytest.fixture
def scripts() -> dict[str, FakeBackend]:
    return {name: script(name) for name in NAMES}


@pytest.fixture
async def client(scripts: dict[str, FakeBackend]) -> AsyncIterator[PickerClient]:
    async with picker(scripts) as found:
        yield found


def chat(number: int = 0, turns: int = 1, model: str = MODEL) -> bytes:
    messages = []
    for turn in range(turns):
        messages += [
            {"role": "user", "content": f"question {turn} of conversation {number}"},
            {"role": "assistant", "content": "an answer"},
        ]
    return json.dumps({"model": model, "messages": messages[:-1]}).encode()


def message_of(rejection: ext_proc.ImmediateResponse) -> str:
    return str(json.loads(rejection.body)["error"]["message"])


async def test_a_streamed_request_is_answered_once_all_of_it_is_here(client: PickerClient) -> None:
    body = chat(turns=3)
    parts = [body[:7], body[7:40], b"", body[40:]]
    call = client.stub.Process()
    await call.write(headers_message())
    for part in parts[:-1]:
        await call.write(body_message(part, end=False))
    await call.write(body_message(parts[-1]))
    first = await call.read()
    assert picked(first) in ADDRESSES.values()
    assert first.request_headers.response.clear_route_cache
    second = await call.read()
    streamed = second.request_body.response.body_mutation.streamed_response
    assert (streamed.body, streamed.end_of_stream) == (body, True)
    call.cancel()


async def test_a_long_body_comes_back_in_parts_that_envoy_takes(client: PickerClient) -> None:
    body = json.dumps({"model": MODEL, "messages": [], "x": "é" * 100_000}).encode()
    _, *parts = await client.ask(headers_message(), body_message(body))
    streamed = [part.request_body.response.body_mutation.streamed_response for part in parts]
    assert b"".join(part.body for part in streamed) == body
    assert all(len(part.body) <= 64 * 1024 for part in streamed)
    assert [part.end_of_stream for part in streamed] == [False] * (len(parts) - 1) + [True]


async def test_a_body_that_ends_with_trailers(client: PickerClient) -> None:
    trailers = ext_proc.ProcessingRequest(request_trailers=ext_proc.HttpTrailers())
    headers, body, last = await client.ask(
        headers_message(), body_message(chat(), end=False), trailers
    )
    assert picked(headers) in ADDRESSES.values()
    streamed = body.request_body.response.body_mutation.streamed_response
    assert (streamed.body, streamed.end_of_stream) == (chat(), False)
    assert last.HasField("request_trailers")


async def test_a_buffered_body_is_answered_with_the_address(client: PickerClient) -> None:
    headers, body = await client.ask(headers_message(mode=BUFFERED), body_message(chat()))
    assert headers.request_headers == ext_proc.HeadersResponse()
    assert picked(body) == await client.pick(chat())


async def test_a_gateway_that_does_not_say_its_mode_streams(client: PickerClient) -> None:
    assert await client.pick(chat(), mode=None) in ADDRESSES.values()


async def test_a_request_without_a_body_goes_to_the_pool(client: PickerClient) -> None:
    (only,) = await client.ask(headers_message(path="/v1/models", end=True), workspace="n/two")
    assert picked(only) == ADDRESSES["two"]


async def test_turns_of_a_conversation_go_to_one_replica(client: PickerClient) -> None:
    owners = set()
    for number in range(12):
        found = {await client.pick(chat(number, turns)) for turns in (1, 2, 3)}
        assert len(found) == 1
        owners |= found
    assert len(owners) > 1


async def test_the_front_door_chooses_the_same(client: PickerClient) -> None:
    def routed(number: int) -> str:
        match, *_ = client.pool.route(MODEL, "", lambda: prompt_start(CHAT, chat(number)))
        return ADDRESSES[match.endpoint.address.workspace]

    for number in range(8):
        assert await client.pick(chat(number)) == routed(number)


async def test_a_session_goes_to_one_replica(client: PickerClient) -> None:
    extra = {"x-session-id": "s1"}
    assert len({await client.pick(chat(number), **extra) for number in range(8)}) == 1


@pytest.mark.parametrize("as_text", [False, True])
async def test_only_an_address_of_the_hint_is_picked(client: PickerClient, as_text: bool) -> None:
    hint: Any = [ADDRESSES["two"], "10.9.9.9:5000", ADDRESSES["four"]]
    hint = ",".join(hint) if as_text else hint
    found = {await client.pick(chat(number), subset=hint) for number in range(12)}
    assert found == {ADDRESSES["two"], ADDRESSES["four"]}


@pytest.mark.parametrize("hint", [[], ["10.9.9.9:5000"], ["10.0.0.1:8000"]])
async def test_a_hint_without_a_member_is_503(client: PickerClient, hint: list[str]) -> None:
    rejection = await client.rejection(headers_message(subset=hint), body_message(chat()))
    assert rejection.status.code == 503
    assert "none of the endpoints that the gateway offers" in message_of(rejection)


async def test_a_hint_whose_members_are_away_is_503(
    client: PickerClient, scripts: dict[str, FakeBackend]
) -> None:
    scripts["one"].health_now = DOWN
    await client.pool.find_workspace("n/one")[0].probe()
    hint = [ADDRESSES["one"]]
    rejection = await client.rejection(headers_message(subset=hint), body_message(chat()))
    assert rejection.status.code == 503


async def test_all_backends_away_is_503_with_the_causes(scripts: dict[str, FakeBackend]) -> None:
    for each in scripts.values():
        each.health_now = DOWN
    async with picker(scripts) as client:
        rejection = await client.rejection(headers_message(), body_message(chat(model="n/one")))
    assert rejection.status.code == 503
    headers = {each.header.key: each.header.raw_value for each in rejection.headers.set_headers}
    assert headers == {"content-type": b"application/json", "retry-after": b"2"}
    assert message_of(rejection) == "n/one is not ready: n/one: loading"


async def test_a_request_waits_for_a_model_that_restarts() -> None:
    scripts = {"one": script("one", health_now=DOWN)}
    async with picker(scripts, hold_seconds=60) as client:
        asking = asyncio.create_task(client.pick(chat(model="n/one")))
        endpoint = client.pool.endpoints[0]
        await until(lambda: endpoint.waiting == 1)
        (held,) = client.service.demand.changed_since(0)
        assert (held.model, held.held) == ("n/one", 1)
        scripts["one"].health_now = Health(serving=True)
        assert await asking == ADDRESSES["one"]


async def test_a_model_server_that_reports_no_address_is_no_destination() -> None:
    async with picker({"one": FakeBackend()}) as client:
        rejection = await client.rejection(headers_message(), body_message(chat(model="n/one")))
    assert rejection.status.code == 503
    assert "address" in message_of(rejection)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "the body is not JSON"),
        (b"\xff\xfe", 400, "the body is not JSON"),
        (b"[]", 400, "the body is not a JSON object"),
        (b'{"model": 7}', 400, "model must be a string"),
        (b"[" * 100_000, 400, "the body is not JSON"),
        (b'{"model": "gpt-9"}', 404, "model 'gpt-9' does not exist; available: "),
        (b"{}", 400, "several models are served here"),
    ],
)
async def test_a_body_that_names_no_model_is_rejected(
    client: PickerClient, body: bytes, status: int, says: str
) -> None:
    for mode in (None, BUFFERED):
        rejection = await client.rejection(headers_message(mode=mode), body_message(body))
        assert rejection.status.code == status
        assert message_of(rejection).startswith(says)


async def test_a_body_that_is_too_large_is_rejected(scripts: dict[str, FakeBackend]) -> None:
    async with picker(scripts, max_body_bytes=100) as client:
        rejection = await client.rejection(
            headers_message(), body_message(b"x" * 60, end=False), body_message(b"x" * 60)
        )
    assert rejection.status.code == 413


async def test_a_body_that_never_ends_is_rejected(scripts: dict[str, FakeBackend]) -> None:
    async with picker(scripts, body_timeout_seconds=0.05) as client:
        call = client.stub.Process()
        await call.write(headers_message())
        await call.write(body_message(b"{", end=False))
        answer = await call.read()
        assert answer.immediate_response.status.code == 408
        await until(lambda: client.service.admission.in_flight == 0)


async def test_a_gateway_that_is_gone_is_no_load_for_good() -> None:
    async with picker({"one": script("one")}, request_timeout_seconds=0.05) as client:
        call = client.stub.Process()
        await call.write(headers_message())
        await call.write(body_message(chat()))
        assert picked(await call.read()) == ADDRESSES["one"]
        await until(lambda: client.pool.endpoints[0].in_flight == 0)
        call.cancel()


async def test_more_requests_than_admitted_are_429(scripts: dict[str, FakeBackend]) -> None:
    async with picker(scripts, max_requests=1) as client:
        call = client.stub.Process()
        await call.write(headers_message())
        await until(lambda: client.service.admission.in_flight == 1)
        rejection = await client.rejection(headers_message(), body_message(chat()))
        assert rejection.status.code == 429
        call.cancel()
        await until(lambda: client.service.admission.in_flight == 0)
        assert await client.pick(chat()) in ADDRESSES.values()


async def test_full_model_servers_are_429() -> None:
    async with picker({"one": script("one")}, max_in_flight=1) as client:
        call = client.stub.Process()
        await call.write(headers_message())
        await call.write(body_message(chat()))
        assert picked(await call.read()) == ADDRESSES["one"]
        rejection = await client.rejection(headers_message(), body_message(chat()))
        assert rejection.status.code == 429
        call.cancel()


async def test_a_request_is_in_flight_until_its_response_has_ended(client: PickerClient) -> None:
    call = client.stub.Process()
    await call.write(headers_message())
    await call.write(body_message(chat()))
    address = picked(await call.read())
    await call.read()
    owner = next(each for each in client.pool.endpoints if each.in_flight)
    assert ADDRESSES[owner.address.workspace] == address
    await call.write(response_headers_message(content_type="text/event-stream"))
    assert (await call.read()).HasField("response_headers")
    for chunk, end in ((b"data: 1\n\n", False), (b"data: [DONE]\n\n", True)):
        await call.write(response_body_message(chunk, end=end))
        answer = await call.read()
        streamed = answer.response_body.response.body_mutation.streamed_response
        assert (streamed.body, streamed.end_of_stream) == (chunk, end)
    assert owner.in_flight == 1
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert owner.in_flight == 0
    assert owner.first_tokens.count == 1
    (demand,) = client.service.demand.changed_since(0)
    assert (demand.model, demand.arrived, demand.finished) == (owner.address.label, 1, 1)


async def test_a_replica_that_answers_500_is_left_out(client: PickerClient) -> None:
    first = await client.pick(chat())
    for _ in range(5):
        call = client.stub.Process()
        await call.write(headers_message())
        await call.write(body_message(chat()))
        assert picked(await call.read()) == first
        await call.read()
        await call.write(response_headers_message(500))
        await call.read()
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    assert await client.pick(chat()) != first


async def test_the_metadata_confines_a_pool_to_its_workspace(client: PickerClient) -> None:
    found = {await client.pick(chat(number), workspace="n/three") for number in range(8)}
    assert found == {ADDRESSES["three"]}
    rejection = await client.rejection(headers_message(), body_message(chat()), workspace="n/gone")
    assert rejection.status.code == 404


async def test_the_path_names_a_workspace_as_well(client: PickerClient) -> None:
    assert await client.pick(chat(), path=f"/workspaces/n/four{CHAT}?x=1") == ADDRESSES["four"]


async def test_a_mode_that_would_lose_the_headers_is_named(client: PickerClient) -> None:
    rejection = await client.rejection(headers_message(mode=ProcessingMode.STREAMED))
    assert rejection.status.code == 500
    assert message_of(rejection).startswith("request_body_mode = STREAMED: ")


async def test_an_address_of_ipv6_is_in_brackets() -> None:
    found = FakeBackend(loaded=pb.Model(name=MODEL, pod_address="fd00::7"))
    async with picker({"one": found}) as client:
        assert await client.pick(chat()) == "[fd00::7]:5000"


@pytest.mark.parametrize("name", [LIVENESS, *READINESS])
async def test_health_is_served_by_the_names_of_the_protocol(
    client: PickerClient, name: str
) -> None:
    stub: Any = health_pb2_grpc.HealthStub(client.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
