"""Keys at the door, as clients meet them: who is let in, to which models, and for how long."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from inference_gateway.backends.fake import FakeBackend
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.generation_requests import CHAT, HI, STREAM, events
from tests.inference_gateway.keys.keyed import (
    bearer,
    issue,
    keyed_front_door,
    keyed_gateway,
    usage,
    write,
)
from tests.waiting import until


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    folder.mkdir()
    return folder


async def problem(response: aiohttp.ClientResponse) -> tuple[int, str, str]:
    error = (await response.json())["error"]
    return response.status, error["code"], error["message"]


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key"])
async def test_a_good_key_is_let_in(
    tmp_path: Path, keys: Path, script: FakeBackend, header: str
) -> None:
    key = issue(keys)
    text = f"Bearer {key.text}" if header == "authorization" else key.text
    async with keyed_gateway(tmp_path, script) as client:
        response = await client.post(CHAT, json=HI, headers={header: text})
        assert response.status == 200
        await until(lambda: usage(tmp_path))
    (record,) = usage(tmp_path)
    assert (record["key"], record["prompt_tokens"], record["completion_tokens"]) == (key.id, 7, 3)
    assert record["request_id"] == response.headers["x-request-id"]
    assert key.text not in (tmp_path / "usage.jsonl").read_text()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no API key"),
        ("sk-123", "cut off or mistyped"),
        ("another", "unknown, revoked or expired"),
        ("expired", "unknown, revoked or expired"),
        ("disabled", "unknown, revoked or expired"),
        ("broken document", "unknown, revoked or expired"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/chat", "/generate", "/tokenize"])
async def test_a_bad_key_is_401_in_every_api(
    tmp_path: Path, keys: Path, script: FakeBackend, text: str, says: str, path: str
) -> None:
    made = {
        "another": lambda: issue(tmp_path / "elsewhere"),
        "expired": lambda: issue(keys, expires="2020-01-01T00:00:00Z"),
        "disabled": lambda: issue(keys, disabled=True),
        "broken document": lambda: issue(keys, tokenPerDay=5),
    }
    sent = made[text]().text if text in made else text
    async with keyed_gateway(tmp_path, script) as client:
        response = await client.post(path, json=HI, headers={"authorization": f"Bearer {sent}"})
        assert response.status == 401
        assert says in await response.text()
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert not script.requests


async def test_probes_and_metrics_need_no_key(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    async with keyed_gateway(tmp_path, script) as client:
        for path in ("/", "/livez", "/healthz", "/metrics"):
            assert (await client.get(path)).status == 200
        for path in ("/v1/models", "/v1/models/phi", "/info"):
            response = await client.get(path)
            assert response.status == 401
            assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_sees_and_uses_only_its_models(tmp_path: Path, keys: Path) -> None:
    backends = {"a/one": FakeBackend(), "b/two": FakeBackend()}
    backends["b/two"].loaded.name = backends["b/two"].loaded.default_model = "qwen"
    key = issue(keys, namespaces=["a"])
    async with keyed_front_door(tmp_path, backends) as client:
        listed = await (await client.get("/v1/models", headers=bearer(key))).json()
        ids = [entry["id"] for entry in listed["data"]]
        assert ids == ["a/one", "one", "phi-3-mini-128k-instruct"]
        for model, status in (("one", 200), ("", 200), ("b/two", 403), ("qwen", 403), ("x", 404)):
            response = await client.post(CHAT, json=HI | {"model": model}, headers=bearer(key))
            assert response.status == status, model
        status, code, message = await problem(
            await client.post(CHAT, json=HI | {"model": "b/two"}, headers=bearer(key))
        )
        assert (status, code) == (403, "model_not_allowed")
        assert message == f"key {key.id} may not use model 'b/two'; it may use: a/*"
        # What is not the key's is not named to it either.
        unknown = await client.post(CHAT, json=HI | {"model": "x"}, headers=bearer(key))
        assert "two" not in await unknown.text()
        for path in ("/workspaces/b/two/chat", "/workspaces/b/two/v1/chat/completions"):
            assert (await client.post(path, json=HI, headers=bearer(key))).status == 403
        hidden = await client.get("/workspaces/b/two/v1/models", headers=bearer(key))
        assert hidden.status == 404


async def test_a_name_of_another_tenant_does_not_clash(tmp_path: Path, keys: Path) -> None:
    backends = {"a/w": FakeBackend(), "b/w": FakeBackend(deltas=("b",))}
    restricted, free = issue(keys, namespaces=["b"]), issue(keys)
    async with keyed_front_door(tmp_path, backends) as client:
        for key, status in ((restricted, 200), (free, 400)):
            response = await client.post(CHAT, json=HI | {"model": "w"}, headers=bearer(key))
            assert response.status == status
    assert (len(backends["a/w"].requests), len(backends["b/w"].requests)) == (0, 1)


async def test_a_key_for_an_adapter_may_not_use_its_base(tmp_path: Path, keys: Path) -> None:
    backend = FakeBackend(loaded_adapters=(pb.Adapter(name="style", path="/mnt/style"),))
    key = issue(keys, models=["style"])
    async with keyed_front_door(tmp_path, {"a/one": backend}) as client:
        listed = await (await client.get("/v1/models", headers=bearer(key))).json()
        assert [entry["id"] for entry in listed["data"]] == ["style"]
        for model, status in (("style", 200), ("one", 403), (backend.loaded.name, 403), ("", 403)):
            response = await client.post(CHAT, json=HI | {"model": model}, headers=bearer(key))
            assert response.status == status, model


async def test_revoking_a_key_ends_what_it_runs(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys)
    script.gate.clear()
    async with keyed_gateway(tmp_path, script) as client:
        call = asyncio.create_task(client.post(CHAT, json=HI, headers=bearer(key)))
        await until(lambda: script.requests)
        write(keys, key, disabled=True)
        await until(script.canceled.is_set)
        response = await call
        assert response.status == 401
        assert (await client.post(CHAT, json=HI, headers=bearer(key))).status == 401


async def test_revoking_a_key_ends_a_stream_that_has_begun(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    key = issue(keys)
    script.gate.clear()
    async with (
        keyed_gateway(tmp_path, script) as client,
        # The comments that keep the connection open begin the stream.
        client.post(CHAT, json=STREAM, headers=bearer(key)) as response,
    ):
        (keys / key.id).unlink()
        (last,) = await events(response)
        await until(lambda: usage(tmp_path))
        shown = await (await client.get("/metrics")).text()
    assert last["error"]["code"] == "invalid_api_key"
    # The stream was counted after its key had gone.
    assert "kaito_gateway_keys 0.0" in shown
    assert key.id not in shown


async def test_keys_come_and_go_while_the_gateway_runs(
    tmp_path: Path, keys: Path, script: FakeBackend
) -> None:
    async with keyed_gateway(tmp_path, script) as client:

        async def status(headers: dict[str, str]) -> int:
            return (await client.post(CHAT, json=HI, headers=headers)).status

        key = issue(keys)
        while await status(bearer(key)) != 200:
            await asyncio.sleep(0.05)
        (keys / key.id).unlink()
        while await status(bearer(key)) != 401:
            await asyncio.sleep(0.05)
