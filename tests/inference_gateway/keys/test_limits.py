"""Limits and budgets as clients meet them, and what is settled for each way that a request ends."""

import asyncio
import json
from collections import deque
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import BackendError, Health
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.keys.ledger.ledger import KeyLedger, WhenAway
from inference_gateway.keys.prices import Price, Prices
from inference_gateway.settings import Limits, Settings
from kaito.inference.v1 import inference_pb2 as pb
from kaito_keys.key_policy import KeyPolicy
from tests.inference_gateway.generation_requests import CHAT, HI, STREAM, events
from tests.inference_gateway.keys.keyed import bearer, issue, key_settings, keyed_gateway, usage
from tests.inference_gateway.keys.redis_server import RedisServer
from tests.inference_gateway.running import front_door_with
from tests.waiting import until

# Dollars for a million tokens: 1 and 2, so 1 and 2 microdollars for a token.
PRICES = Prices({"*": Price(10**6, 2 * 10**6)})
NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder


async def refused(response: aiohttp.ClientResponse) -> tuple[int, str, str]:
    error = (await response.json())["error"]
    return response.status, error["code"], error["message"]


async def test_a_rate_is_429_with_its_name_and_the_time_to_wait(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, requestsPerMinute=0, tokensPerDay=100_000)
    async with keyed_gateway(tmp_path, script) as client:
        response = await client.post(CHAT, json=HI, headers=bearer(key))
        # Zero never lets anything through, so waiting does not help.
        status, code, message = await refused(response)
    assert (status, code) == (429, "insufficient_quota")
    assert f"key {key.id}: requestsPerMinute is 0 requests" in message
    assert "retry-after" not in response.headers
    assert response.headers["x-should-retry"] == "false"


async def test_concurrent_requests_are_429_until_one_ends(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, concurrentRequests=1)
    script.gate.clear()
    async with keyed_gateway(tmp_path, script) as client:
        first = asyncio.create_task(client.post(CHAT, json=HI, headers=bearer(key)))
        await until(lambda: script.requests)
        response = await client.post(CHAT, json=HI, headers=bearer(key))
        status, code, message = await refused(response)
        assert (status, code) == (429, "rate_limit_exceeded")
        assert f"key {key.id}: concurrentRequests is 1, and as many are in flight" in message
        assert response.headers["retry-after"] == "1"
        script.gate.set()
        assert (await first).status == 200
        await until(lambda: usage(tmp_path))
        assert (await client.post(CHAT, json=HI, headers=bearer(key))).status == 200


async def test_a_used_up_budget_says_what_is_left_and_when_it_ends(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    # An answer takes 7 + 3 tokens; the reservation of HI with max_tokens 5 is at most 400.
    key = issue(keys, tokensPerMonth=400)
    body = HI | {"max_tokens": 5}
    async with keyed_gateway(tmp_path, script) as client:
        response = await client.post(CHAT, json=body, headers=bearer(key))
        assert response.status == 200
        assert response.headers["x-ratelimit-limit-tokens"] == "400"
        assert int(response.headers["x-ratelimit-remaining-tokens"]) < 150
        assert response.headers["x-ratelimit-reset-tokens"].endswith("s")
        responses = [response]
        while responses[-1].status == 200:
            await until(lambda: len(usage(tmp_path)) == len(responses))
            responses.append(await client.post(CHAT, json=body, headers=bearer(key)))
        status, code, message = await refused(responses[-1])
    assert (status, code) == (429, "insufficient_quota")
    assert f"key {key.id}: tokensPerMonth is 400 tokens" in message
    assert "lower max_tokens, try again in" in message
    assert int(responses[-1].headers["retry-after"]) > 0


@pytest.mark.parametrize("path", ["/chat", "/generate", CHAT])
async def test_every_api_says_it_in_its_own_shape(
    tmp_path: Path, keys: Path, script: FakeBackend, path: str
) -> None:
    key = issue(keys, tokensPerDay=1)
    body = {"/chat": {"prompt": "Hi"}, "/generate": {"inputs": "Hi"}, CHAT: HI}[path]
    async with keyed_gateway(tmp_path, script) as client:
        response = await client.post(path, json=body, headers=bearer(key))
        assert response.status == 429
        found = await response.json()
    text = {"/chat": "detail", "/generate": "error"}.get(path)
    assert "tokensPerDay is 1 tokens" in (found[text] if text else found["error"]["message"])


async def test_dollars_need_a_price(tmp_path: Path, keys: Path, script: FakeBackend) -> None:
    key = issue(keys, dollarsPerDay="1.00")
    async with keyed_gateway(tmp_path, script) as client:
        status, code, message = await refused(await client.post(CHAT, json=HI, headers=bearer(key)))
    assert (status, code) == (403, "price_unknown")
    assert "model 'phi-3-mini-128k-instruct' has no price" in message


async def test_dollars_follow_from_the_prices(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, dollarsPerDay="0.0014")
    body = HI | {"max_tokens": 500}
    async with keyed_gateway(tmp_path, script, prices=PRICES) as client:
        assert (await client.post(CHAT, json=body, headers=bearer(key))).status == 200
        await until(lambda: usage(tmp_path))
        # 7 tokens of the prompt and 3 of the answer.
        assert usage(tmp_path)[0]["dollars"] == pytest.approx(0.000013)
        text = await (await client.get("/metrics")).text()
        assert f'kaito_gateway_key_dollars_total{{key="{key.id}"}} 1.3e-05' in text
        assert f'kaito_gateway_key_tokens_total{{key="{key.id}",kind="prompt"}} 7.0' in text
        dear = await client.post(CHAT, json=HI | {"max_tokens": 5000}, headers=bearer(key))
        _, code, message = await refused(dear)
    assert code == "insufficient_quota"
    assert "dollarsPerDay is $0.0014" in message


async def test_a_stream_that_is_left_costs_what_came_of_it(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, tokensPerDay=1_000_000)
    script.deltas = ("x" * 1024,) * 20_000
    async with keyed_gateway(tmp_path, script) as client:
        async with client.post(CHAT, json=STREAM, headers=bearer(key)) as response:
            await response.content.readany()
        await until(script.canceled.is_set)
        await until(lambda: usage(tmp_path))
    (record,) = usage(tmp_path)
    # Each delta of the script is a token, and each byte of the rendered prompt.
    assert record["completion_tokens"] == script.sent < 20_000
    assert record["prompt_tokens"] == len("<user>Hi")
    assert not record["estimated"]


async def test_a_whole_answer_that_is_left_costs_what_was_reserved(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, tokensPerDay=1_000_000)
    script.gate.clear()
    body = HI | {"max_tokens": 40, "n": 2}
    async with keyed_gateway(tmp_path, script) as client:
        call = asyncio.create_task(client.post(CHAT, json=body, headers=bearer(key)))
        await until(lambda: script.requests)
        call.cancel()
        await until(lambda: usage(tmp_path))
    (record,) = usage(tmp_path)
    assert (record["prompt_tokens"], record["completion_tokens"]) == (len("<user>Hi"), 80)
    assert (record["status"], record["estimated"]) == (499, True)


async def test_what_the_model_server_refuses_costs_no_tokens(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, tokensPerDay=1_000_000)
    script.failures = deque([BackendError(grpc.StatusCode.INVALID_ARGUMENT, "no")])
    async with keyed_gateway(tmp_path, script) as client:
        assert (await client.post(CHAT, json=HI, headers=bearer(key))).status == 400
        await until(lambda: usage(tmp_path))
    (record,) = usage(tmp_path)
    assert (record["prompt_tokens"], record["completion_tokens"]) == (0, 0)


async def test_a_request_that_moves_to_another_model_server_is_reserved_once(
    tmp_path: Path, keys: Path
) -> None:
    from tests.inference_gateway.keys.keyed import keyed_front_door

    down = BackendError(grpc.StatusCode.UNAVAILABLE, "down", may_have_started=False)
    backends = {"a/one": FakeBackend(), "a/two": FakeBackend()}
    for backend in backends.values():
        backend.failures = deque([down])
    key = issue(keys, concurrentRequests=1, tokensPerDay=2000)
    body = HI | {"model": "phi-3-mini-128k-instruct", "max_tokens": 900}
    async with keyed_front_door(tmp_path, backends) as client:
        while (await client.post(CHAT, json=body, headers=bearer(key))).status != 200:
            await asyncio.sleep(0.05)
        await until(lambda: usage(tmp_path))
    assert usage(tmp_path)[-1]["completion_tokens"] == 3


async def test_a_key_s_priority_is_the_best_that_a_request_may_have(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, priority=10)
    async with keyed_gateway(tmp_path, script) as client:
        for sent in (-1000, 0, 10, 20):
            await client.post(CHAT, json=HI | {"priority": sent}, headers=bearer(key))
    assert [request.priority for request in script.requests] == [10, 10, 10, 20]


async def test_an_answer_without_a_limit_gets_one_where_tokens_are_counted(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    counted, free = issue(keys, tokensPerDay=100_000), issue(keys)
    async with keyed_gateway(tmp_path, script) as client:
        for key in (counted, free):
            await client.post(CHAT, json=HI, headers=bearer(key))
    first, second = script.requests
    assert first.options.max_new_tokens == 1024
    assert not second.options.HasField("max_new_tokens")


async def test_embeddings_cost_the_tokens_of_their_inputs(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, tokensPerDay=100_000)
    async with keyed_gateway(tmp_path, script) as client:
        for path, body in (
            ("/v1/embeddings", {"input": ["one", "three"]}),
            ("/tokenize", {"prompt": "Hi"}),
        ):
            assert (await client.post(path, json=body, headers=bearer(key))).status == 200
        await until(lambda: len(usage(tmp_path)) == 2)
    assert [record["prompt_tokens"] for record in usage(tmp_path)] == [8, 0]


async def test_while_the_store_is_away_limited_keys_are_refused(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    limited, free = issue(keys, tokensPerDay=100_000), issue(keys)
    async with keyed_gateway(tmp_path, script, store_url=NOWHERE) as client:
        response = await client.post(CHAT, json=HI, headers=bearer(limited))
        status, code, message = await refused(response)
        assert (status, code) == (503, "service_unavailable")
        assert "the key store does not answer" in message
        assert response.headers["retry-after"] == "2"
        assert (await client.post(CHAT, json=HI, headers=bearer(free))).status == 200


async def test_while_the_store_is_away_a_limit_of_zero_stays_one(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    away: dict[str, Any] = {"store_url": NOWHERE, "when_away": WhenAway.ALLOW}
    policies: list[dict[str, Any]] = [
        {"tokensPerDay": 0},
        {"requestsPerDay": 0},
        {"tokensPerDay": 100_000},
    ]
    issued = [issue(keys, **policy) for policy in policies]
    async with keyed_gateway(tmp_path, script, **away) as client:
        answers = [await client.post(CHAT, json=HI, headers=bearer(key)) for key in issued]
    assert [each.status for each in answers] == [503, 503, 200]


async def test_while_the_store_is_away_keys_may_pass_with_a_bound(
    tmp_path: Path, keys: Path, script: FakeBackend, server: RedisServer
) -> None:
    key = issue(keys, tokensPerDay=100_000)
    away = {"store_url": server.url, "when_away": WhenAway.ALLOW, "away_tokens": 1100}
    body = HI | {"max_tokens": 200}
    server.kill()
    async with keyed_gateway(tmp_path, script, **away) as client:
        statuses = [200]
        while statuses[-1] == 200:
            statuses.append((await client.post(CHAT, json=body, headers=bearer(key))).status)
        assert statuses[1:] == [200, 200, 503]
        # What passed counts as soon as the store is back.
        server.start(keeps_data=False)
        while True:
            response = await client.post(CHAT, json=body, headers=bearer(key))
            remaining = int(response.headers.get("x-ratelimit-remaining-tokens", 10**9))
            if remaining < 100_000 - 200 - 10 * 2:
                break
            await asyncio.sleep(0.05)


RELAYED = pb.Model(
    name="m", default_model="m", max_length=4096, http_routes=["POST /v1/chat/completions"]
)
USAGE = '"usage":{"prompt_tokens":5,"completion_tokens":%d}'
CHUNK = f'data: {{"choices":[{{"delta":{{"content":"a"}}}}],{USAGE}}}\n\n'.encode()
LAST = f'data: {{"choices":[],{USAGE % 2}}}\n\ndata: [DONE]\n\n'.encode()


@pytest.mark.parametrize("asks", [False, True])
async def test_a_relayed_stream_tells_its_tokens_to_the_gateway(
    tmp_path: Path, keys: Path, script: FakeBackend, asks: bool
) -> None:
    script.loaded = RELAYED
    script.relay_head = pb.HttpResponseHead(
        status=200, headers=[pb.HttpHeader(name="content-type", value="text/event-stream")]
    )
    whole = CHUNK % 1 + CHUNK % 2 + LAST
    script.relay_body = (whole[:50], whole[50:])
    key = issue(keys, tokensPerDay=100_000)
    body: dict[str, Any] = STREAM | ({"stream_options": {"include_usage": True}} if asks else {})
    async with keyed_gateway(tmp_path, script) as client:
        response = await client.post(CHAT, json=body, headers=bearer(key))
        found = await events(response)
        await until(lambda: usage(tmp_path))
    assert len(found) == (4 if asks else 3)
    (record,) = usage(tmp_path)
    assert (record["prompt_tokens"], record["completion_tokens"]) == (5, 2)
    (_, sent) = script.relayed[0]
    assert json.loads(sent)["stream_options"] == {
        "include_usage": True,
        "continuous_usage_stats": True,
    }


async def test_a_relayed_stream_that_breaks_costs_what_its_last_event_told(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    script.loaded = RELAYED
    script.relay_body, script.break_after = (CHUNK % 1, CHUNK % 2), 1
    key = issue(keys, tokensPerDay=100_000)
    async with keyed_gateway(tmp_path, script) as client:
        with pytest.raises(aiohttp.ClientPayloadError):
            await (await client.post(CHAT, json=STREAM, headers=bearer(key))).read()
        await until(lambda: usage(tmp_path))
    assert usage(tmp_path)[0]["completion_tokens"] == 1


TEXT = b'data: {"type":"response.output_text.delta","delta":"a"}\n\n'
BEGIN = b'data: {"type":"message_start","usage":{"input_tokens":9,"output_tokens":0}}\n\n'


@pytest.mark.parametrize(
    ("path", "body", "came", "prompt", "completion"),
    [
        # Such streams tell their tokens at their end, or the prompt's at their beginning.
        ("/v1/responses", {"input": "a"}, [TEXT] * 6, 256 + 30, 5),
        ("/v1/messages", {"max_tokens": 50}, [BEGIN, *[TEXT] * 5], 9, 5),
        # Each event tells of one prompt, and of one answer.
        (
            "/v1/completions",
            {"prompt": ["a", "b"], "n": 2},
            [CHUNK % 1, *[CHUNK % 1] * 4],
            256 + 110,
            4,
        ),
    ],
)
async def test_a_relayed_stream_that_breaks_before_it_tells_costs_what_came(
    tmp_path: Path,
    keys: Path,
    script: FakeBackend,
    path: str,
    body: dict[str, Any],
    came: list[bytes],
    prompt: int,
    completion: int,
) -> None:
    script.loaded = pb.Model(
        name="m", default_model="m", max_length=4096, http_routes=[f"POST {path}"]
    )
    script.relay_head = pb.HttpResponseHead(
        status=200, headers=[pb.HttpHeader(name="content-type", value="text/event-stream")]
    )
    script.relay_body, script.break_after = (*came, b"never"), len(came)
    key = issue(keys, tokensPerDay=100_000)
    async with keyed_gateway(tmp_path, script) as client:
        response = await client.post(path, json=body | {"stream": True}, headers=bearer(key))
        await response.read()
        await until(lambda: usage(tmp_path))
    (record,) = usage(tmp_path)
    assert record["completion_tokens"] == completion
    assert prompt <= record["prompt_tokens"] <= prompt + 30
    assert record["estimated"]


async def test_a_relayed_stream_that_ends_without_its_tokens_costs_what_came(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    script.loaded = RELAYED
    script.relay_head = pb.HttpResponseHead(
        status=200, headers=[pb.HttpHeader(name="content-type", value="text/event-stream")]
    )
    script.relay_body = (*[TEXT] * 6, b"data: [DONE]\n\n")
    key = issue(keys, tokensPerDay=100_000)
    async with keyed_gateway(tmp_path, script) as client:
        await (await client.post(CHAT, json=STREAM, headers=bearer(key))).read()
        await until(lambda: usage(tmp_path))
    assert usage(tmp_path)[0]["completion_tokens"] == 6


async def test_texts_that_are_only_read_are_within_the_budget(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    script.loaded = pb.Model(
        name="m", default_model="m", max_length=4096, http_routes=["POST /rerank"]
    )
    script.relay_body = (b'{"results":[],"usage":{"prompt_tokens":40,"total_tokens":40}}',)
    some, none = issue(keys, tokensPerDay=2000), issue(keys, tokensPerDay=0)
    body = {"query": "q" * 100, "documents": ["a"] * 10}
    async with keyed_gateway(tmp_path, script) as client:
        response = await client.post("/rerank", json=body, headers=bearer(some))
        assert response.status == 200
        await response.read()
        await until(lambda: usage(tmp_path))
        assert usage(tmp_path)[0]["prompt_tokens"] == 40
        response = await client.post("/rerank", json=body, headers=bearer(none))
        _, code, says = await refused(response)
    assert code == "insufficient_quota"
    assert "tokensPerDay is 0 tokens" in says


async def test_a_limit_of_no_requests_says_what_to_do(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys, requestsPerDay=0)
    async with keyed_gateway(tmp_path, script) as client:
        _, code, says = await refused(await client.post(CHAT, json=HI, headers=bearer(key)))
    assert code == "insufficient_quota"
    assert says == (
        f"key {key.id}: requestsPerDay is 0 requests, and this request may take 1 requests: "
        "ask for a higher limit"
    )


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        ({"tokensPerDay": 0}, 429),
        ({"requestsPerMinute": 0}, 429),
        ({"dollarsPerDay": "0"}, 429),
        ({"tokensPerDay": 100_000}, 503),
        ({}, 503),
    ],
)
async def test_no_model_is_awaited_for_a_key_that_has_nothing_left(
    tmp_path: Path, keys: Path, policy: dict[str, Any], status: int
) -> None:
    script = FakeBackend(health_now=Health(serving=False, detail="no replicas"))
    key = issue(keys, **policy)
    limits = Limits(hold_seconds=0.01)
    settings = Settings(limits=limits, keys=key_settings(tmp_path, prices=PRICES))
    async with front_door_with(settings, tmp_path, {"w": script}, 0) as client:
        body = HI | {"model": "n/w"}
        assert (await client.post(CHAT, json=body, headers=bearer(key))).status == status


async def test_what_waits_for_its_model_takes_its_place_among_concurrent_requests(
    tmp_path: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked, check = asyncio.Event(), KeyLedger.check

    async def checking(ledger: KeyLedger, policy: KeyPolicy) -> None:
        await check(ledger, policy)
        checked.set()

    monkeypatch.setattr(KeyLedger, "check", checking)
    script = FakeBackend(health_now=Health(serving=False, detail="starts"))
    key = issue(keys, concurrentRequests=1, requestsPerDay=1, tokensPerDay=100_000)
    settings = Settings(keys=key_settings(tmp_path))
    async with front_door_with(settings, tmp_path, {"w": script}, 0) as client:
        body = HI | {"model": "n/w"}
        call = asyncio.create_task(client.post(CHAT, json=body, headers=bearer(key)))
        await until(checked.is_set)
        script.health_now = Health(serving=True)
        response = await call
        assert response.status == 200
        assert response.headers["x-ratelimit-remaining-requests"] == "0"


async def test_keys_are_not_in_the_logs(
    tmp_path: Path, keys: Path, script: FakeBackend, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = issue(keys, tokensPerDay=0), issue(tmp_path / "elsewhere")
    with caplog.at_level("DEBUG"):
        async with keyed_gateway(tmp_path, script) as client:
            for key in (good, bad):
                await client.post(CHAT, json=HI, headers=bearer(key))
                await client.get("/v1/models", headers=bearer(key))
    shown = "".join(str(record.__dict__) for record in caplog.records)
    assert good.text not in shown
    assert bad.text not in shown
