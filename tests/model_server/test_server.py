"""The server's life: health while it loads, serves, drains and breaks; limits; metrics."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import generate_latest

from kaito.inference.v1 import inference_pb2 as pb
from model_server.errors import EngineFailed, InferenceError, ModelLoadFailed
from model_server.fake import FakeEngine
from model_server.server import SERVICE
from tests.model_server.conftest import Running, Setup, asking, running, streamed, until

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVING = health_pb2.HealthCheckResponse.SERVING


async def health(found: Running, service: str) -> int:
    stub: Any = health_pb2_grpc.HealthStub(found.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


@pytest.fixture
async def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def found(fake: FakeEngine, adapters_folder: Path) -> AsyncIterator[Running]:
    async with running(fake, Setup(adapters=adapters_folder, most_requests=2)) as server:
        yield server


async def refusal(call: grpc.aio.UnaryUnaryCall[object, object]) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name, caught.value.details() or ""


async def test_listens_before_the_model_is_loaded(fake: FakeEngine, adapters_folder: Path) -> None:
    fake.ready.clear()
    async with running(fake, Setup(adapters=adapters_folder, wait=False)) as found:
        await found.channel.channel_ready()
        assert (await health(found, ""), await health(found, SERVICE)) == (SERVING, NOT_SERVING)
        for call in (
            found.stub.Generate(asking()),
            found.stub.GetModel(pb.GetModelRequest()),
            found.stub.Tokenize(pb.TokenizeRequest(prompt="a")),
            found.stub.ListAdapters(pb.ListAdaptersRequest()),
        ):
            code, details = await refusal(call)
            assert code == "UNAVAILABLE"
            assert "loading" in details
        fake.ready.set()
        await until(lambda: found.serving.loaded is not None)
        assert await health(found, SERVICE) == SERVING


async def test_drain_finishes_what_runs_and_refuses_the_rest(
    fake: FakeEngine, found: Running
) -> None:
    fake.gate.clear()
    running_call = asyncio.ensure_future(found.stub.Generate(asking()))
    await until(lambda: fake.occupancy().running == 1)
    found.stop.set()
    await until(lambda: found.serving.traffic.state == "draining")
    assert (await health(found, ""), await health(found, SERVICE)) == (NOT_SERVING, NOT_SERVING)
    code, details = await refusal(found.stub.Generate(asking()))
    assert (code, "draining" in details) == ("UNAVAILABLE", True)
    fake.gate.set()
    assert (await running_call).choices[0].text
    await found.done


async def test_drain_ends_after_its_grace(fake: FakeEngine, adapters_folder: Path) -> None:
    setup = Setup(adapters=adapters_folder, drain_seconds=0.05)
    async with running(fake, setup) as found:
        fake.gate.clear()
        call = found.stub.Generate(asking())
        await until(lambda: fake.occupancy().running == 1)
        found.stop.set()
        await found.done
        assert (await refusal(call))[0] in ("UNAVAILABLE", "CANCELLED")
        await until(lambda: fake.cut_short == 1)


async def test_full_queue_refuses(fake: FakeEngine, found: Running) -> None:
    fake.gate.clear()
    request = asking(num_return_sequences=2, do_sample=True)
    call = asyncio.ensure_future(found.stub.Generate(request))
    await until(lambda: fake.occupancy().running == 1)
    code, details = await refusal(found.stub.Generate(asking()))
    assert (code, "KAITO_MAX_REQUESTS" in details) == ("RESOURCE_EXHAUSTED", True)
    fake.gate.set()
    await call


async def test_failed_load_ends_the_server(adapters_folder: Path) -> None:
    engine = FakeEngine(fail_start="no config.json")
    async with running(engine, Setup(adapters=adapters_folder)) as found:
        with pytest.raises(ModelLoadFailed, match=r"no config\.json"):
            await found.done


async def test_missing_default_adapter_ends_the_server(
    fake: FakeEngine, adapters_folder: Path
) -> None:
    async with running(fake, Setup(adapters=adapters_folder, default="tuned")) as found:
        with pytest.raises(InferenceError, match=r"'tuned'.*found: pirate, poet"):
            await found.done


async def test_broken_engine_ends_the_server(fake: FakeEngine, found: Running) -> None:
    fake.fail("out of memory")
    with pytest.raises(EngineFailed, match="out of memory"):
        await found.done


async def test_default_adapter_answers_and_stays(fake: FakeEngine, adapters_folder: Path) -> None:
    async with running(fake, Setup(adapters=adapters_folder, default="poet")) as found:
        assert (await found.stub.Generate(asking())).model == "poet"
        assert (await found.stub.Generate(asking(model="tiny"))).model == "tiny"
        code, _ = await refusal(found.stub.UnloadAdapter(pb.UnloadAdapterRequest(name="poet")))
        assert code == "FAILED_PRECONDITION"


@pytest.mark.parametrize(
    ("request_", "code", "word"),
    [
        (pb.LoadAdapterRequest(name="Big"), "INVALID_ARGUMENT", "a-z"),
        (pb.LoadAdapterRequest(name="x", path="/etc"), "INVALID_ARGUMENT", "must lie below"),
        (pb.LoadAdapterRequest(name="x", path="../other"), "INVALID_ARGUMENT", "must lie below"),
        (pb.LoadAdapterRequest(name="x"), "INVALID_ARGUMENT", "adapter_config.json"),
        (pb.LoadAdapterRequest(name="x", strength=2), "INVALID_ARGUMENT", "between 0 and 1"),
        (pb.LoadAdapterRequest(name="poet", path="pirate"), "ALREADY_EXISTS", "unload it first"),
        (pb.LoadAdapterRequest(name="tiny"), "ALREADY_EXISTS", "base model"),
    ],
    ids="name outside climbing absent strength taken base".split(),
)
async def test_bad_adapter_requests(
    found: Running, request_: pb.LoadAdapterRequest, code: str, word: str
) -> None:
    answered, details = await refusal(found.stub.LoadAdapter(request_))
    assert (answered, word in details) == (code, True)


async def test_engine_trouble_while_streaming(fake: FakeEngine, found: Running) -> None:
    fake.next_error = EngineFailed("the model broke down")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await streamed(found, asking())
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def test_reflection_names_the_service(found: Running) -> None:
    channel: Any = found.channel
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = [answer async for answer in stub.ServerReflectionInfo(iter([asked]))]
    names = {service.name for service in answers[0].list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names


async def test_metrics_count_what_happened(found: Running) -> None:
    answer = await found.stub.Generate(asking())
    await refusal(found.stub.Generate(asking(model="nobody")))
    text = generate_latest(found.serving.metrics.registry).decode()
    prefix = "kaito_model_server"
    tokens = float(answer.usage.completion_tokens)
    for line in (
        f'{prefix}_requests_total{{code="OK",method="Generate",model="tiny"}} 1.0',
        f'{prefix}_requests_total{{code="NOT_FOUND",method="Generate",model="unknown"}} 1.0',
        f'{prefix}_completion_tokens_total{{model="tiny"}} {tokens}',
        f'{prefix}_time_to_first_token_seconds_count{{model="tiny"}} 1.0',
        f"{prefix}_batch_size 0.0",
        f"{prefix}_kv_cache_used_ratio 0.0",
    ):
        assert line in text
