"""The server's life cycle: health while it loads, serves, drains and breaks; limits; metrics."""

import asyncio
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from prometheus_client import generate_latest

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.channels import open_channel
from model_server.contract.server import SERVICE
from model_server.errors import EngineFailed, InferenceError, ModelLoadFailed
from model_server.fake import FakeEngine
from tests.model_server.conftest import (
    Running,
    Setup,
    generate_request,
    running,
    stream,
    transformers_engine,
)
from tests.waiting import until

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVING = health_pb2.HealthCheckResponse.SERVING


async def health(server: Running, service: str) -> int:
    stub: Any = health_pb2_grpc.HealthStub(server.channel)
    answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
    return int(answer.status)


@pytest.fixture
async def fake() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
async def server(fake: FakeEngine, adapters_folder: Path) -> AsyncIterator[Running]:
    async with running(fake, Setup(adapters=adapters_folder, max_choices=2)) as started:
        yield started


async def rejection(call: Awaitable[object]) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name, caught.value.details() or ""


async def test_listens_before_the_model_is_loaded(fake: FakeEngine, adapters_folder: Path) -> None:
    fake.ready.clear()
    async with running(fake, Setup(adapters=adapters_folder, wait_until_serving=False)) as server:
        await server.channel.channel_ready()
        assert (await health(server, ""), await health(server, SERVICE)) == (SERVING, NOT_SERVING)
        for call in (
            server.stub.Generate(generate_request()),
            server.stub.GetModel(pb.GetModelRequest()),
            server.stub.Tokenize(pb.TokenizeRequest(prompt="a")),
            server.stub.Detokenize(pb.DetokenizeRequest(token_ids=[1])),
            server.stub.ListAdapters(pb.ListAdaptersRequest()),
        ):
            code, details = await rejection(call)
            assert code == "UNAVAILABLE"
            assert "loading" in details
        fake.ready.set()
        await until(lambda: server.state.served is not None)
        assert await health(server, SERVICE) == SERVING


async def test_drain_finishes_running_calls_and_rejects_new_ones(
    fake: FakeEngine, server: Running
) -> None:
    fake.gate.clear()
    running_call = asyncio.ensure_future(server.stub.Generate(generate_request()))
    await until(lambda: fake.scheduler_stats().running == 1)
    server.stop.set()
    await until(lambda: server.state.admission.phase == "draining")
    assert (await health(server, ""), await health(server, SERVICE)) == (NOT_SERVING, NOT_SERVING)
    refused = server.stub.Generate(generate_request())
    code, details = await rejection(refused)
    assert (code, "draining" in details) == ("UNAVAILABLE", True)
    # Tells clients that the request was not started, so that they may send it elsewhere.
    assert dict(await refused.trailing_metadata()) == {"grpc-retry-pushback-ms": "0"}
    fake.gate.set()
    assert (await running_call).choices[0].text
    await server.done


async def test_drain_ends_after_its_time_limit(fake: FakeEngine, adapters_folder: Path) -> None:
    setup = Setup(adapters=adapters_folder, drain_seconds=0.05)
    async with running(fake, setup) as server:
        # Holds the generation, so that the drain cannot finish it.
        fake.gate.clear()
        call = server.stub.Generate(generate_request())
        await until(lambda: fake.scheduler_stats().running == 1)
        server.stop.set()
        await server.done
        assert (await rejection(call))[0] in ("UNAVAILABLE", "CANCELLED")
        await until(lambda: fake.canceled == 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of others does not say it")
async def test_drain_waits_until_clients_have_received_their_answers(
    fake: FakeEngine, server: Running
) -> None:
    request = generate_request(
        max_new_tokens=1600, min_new_tokens=1600, logprobs=True, top_logprobs=20
    )
    with slow_network(server.port) as (port, may_pass):
        channel = open_channel(f"127.0.0.1:{port}")
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        await channel.channel_ready()
        may_pass.clear()
        call = asyncio.ensure_future(stub.Generate(request))
        # The server has written all of it: what is not there yet lies in the kernel.
        await until(lambda: fake.scheduler_stats().running == 1)
        await until(lambda: fake.scheduler_stats().running == 0)
        server.stop.set()
        # Without the wait, the server ends within half a second, and the answer with its pod.
        await asyncio.wait((server.done,), timeout=2)
        assert not server.done.done()
        may_pass.set()
        assert len((await call).choices[0].logprobs) == 1600
        await server.done
        await channel.close()


@contextmanager
def slow_network(server_port: int) -> Iterator[tuple[int, threading.Event]]:
    """Another port of the same server for one client; answers pass only while the event is set."""
    may_pass, always = threading.Event(), threading.Event()
    may_pass.set()
    always.set()

    def pass_on(source: socket.socket, target: socket.socket, gate: threading.Event) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                gate.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def connect() -> None:
        client, _ = listener.accept()
        with client, socket.create_connection(("127.0.0.1", server_port)) as server:
            answers = threading.Thread(target=pass_on, args=(server, client, may_pass))
            answers.start()
            pass_on(client, server, always)
            answers.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=connect, daemon=True)
        thread.start()
        yield listener.getsockname()[1], may_pass
        may_pass.set()
        thread.join()


async def test_full_queue_rejects_requests(fake: FakeEngine, server: Running) -> None:
    fake.gate.clear()
    request = generate_request(num_return_sequences=2, do_sample=True)
    call = asyncio.ensure_future(server.stub.Generate(request))
    await until(lambda: fake.scheduler_stats().running == 1)
    code, details = await rejection(server.stub.Generate(generate_request()))
    assert (code, "KAITO_MAX_REQUESTS" in details) == ("RESOURCE_EXHAUSTED", True)
    fake.gate.set()
    await call


async def test_failed_load_ends_the_server(adapters_folder: Path) -> None:
    engine = FakeEngine(fail_start="no config.json")
    async with running(engine, Setup(adapters=adapters_folder)) as server:
        with pytest.raises(ModelLoadFailed, match=r"no config\.json"):
            await server.done


async def test_missing_default_adapter_ends_the_server(
    fake: FakeEngine, adapters_folder: Path
) -> None:
    async with running(fake, Setup(adapters=adapters_folder, default="tuned")) as server:
        with pytest.raises(InferenceError, match=r"'tuned'.*found: pirate, poet"):
            await server.done


async def test_broken_engine_ends_the_server(fake: FakeEngine, server: Running) -> None:
    fake.fail("out of memory")
    with pytest.raises(EngineFailed, match="out of memory"):
        await server.done


async def test_default_adapter_answers_and_cannot_be_unloaded(
    fake: FakeEngine, adapters_folder: Path
) -> None:
    async with running(fake, Setup(adapters=adapters_folder, default="poet")) as server:
        assert (await server.stub.Generate(generate_request())).model == "poet"
        assert (await server.stub.Generate(generate_request(model="tiny"))).model == "tiny"
        code, _ = await rejection(server.administration.unload("poet"))
        assert code == "FAILED_PRECONDITION"


@pytest.mark.parametrize(
    ("request_", "code", "text"),
    [
        (pb.LoadAdapterRequest(name="Big"), "INVALID_ARGUMENT", "a-z"),
        (pb.LoadAdapterRequest(name="x", path="/etc"), "INVALID_ARGUMENT", "must lie below"),
        (pb.LoadAdapterRequest(name="x", path="../other"), "INVALID_ARGUMENT", "must lie below"),
        (pb.LoadAdapterRequest(name="x", path="x" * 300), "INVALID_ARGUMENT", "no path"),
        (pb.LoadAdapterRequest(name="x", path="a\0b"), "INVALID_ARGUMENT", "no path"),
        (pb.LoadAdapterRequest(name="x"), "INVALID_ARGUMENT", "adapter_config.json"),
        (pb.LoadAdapterRequest(name="x", strength=2), "INVALID_ARGUMENT", "between 0 and 1"),
        (pb.LoadAdapterRequest(name="poet", path="pirate"), "ALREADY_EXISTS", "unload it first"),
        (pb.LoadAdapterRequest(name="tiny"), "ALREADY_EXISTS", "base model"),
    ],
    ids="name outside climbing long null absent strength taken base".split(),
)
async def test_invalid_adapter_requests_are_rejected(
    server: Running, request_: pb.LoadAdapterRequest, code: str, text: str
) -> None:
    status, details = await rejection(server.administration.load(request_))
    assert (status, text in details) == (code, True)


async def test_engine_failure_while_streaming_is_internal(
    fake: FakeEngine, server: Running
) -> None:
    fake.next_error = EngineFailed("the model broke down")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream(server, generate_request())
    assert caught.value.code() is grpc.StatusCode.INTERNAL


async def test_reflection_names_the_service(server: Running) -> None:
    channel: Any = server.channel
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = [answer async for answer in stub.ServerReflectionInfo(iter([request]))]
    names = {service.name for service in answers[0].list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= names


async def test_metrics_count_requests_and_tokens(server: Running) -> None:
    answer = await server.stub.Generate(generate_request())
    await rejection(server.stub.Generate(generate_request(model="nobody")))
    metrics = generate_latest(server.state.metrics.registry).decode()
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
        assert line in metrics


async def test_nothing_is_measured_where_that_is_off(
    fake: FakeEngine, adapters_folder: Path
) -> None:
    async with running(fake, Setup(adapters=adapters_folder)) as server:
        start = (await server.stub.GetModel(pb.GetModelRequest())).model.start
        assert [phase.name for phase in start.phases] == ["load", "adapters"]
        assert not start.HasField("measurement")


async def test_a_model_measures_itself_before_it_is_ready(
    fake: FakeEngine, adapters_folder: Path
) -> None:
    setup = Setup(adapters=adapters_folder, measure_seconds=60.0, wait_until_serving=False)
    fake.gate.clear()
    async with running(fake, setup) as server:
        await until(lambda: fake.scheduler_stats().running == 1)
        assert await health(server, SERVICE) == NOT_SERVING
        code, details = await rejection(server.stub.Generate(generate_request()))
        assert (code, "loading" in details) == ("UNAVAILABLE", True)


async def test_memory_is_reported_where_the_engine_knows_it(
    model_folder: Path, adapters_folder: Path
) -> None:
    setup = Setup(adapters=adapters_folder, measure_seconds=60.0)
    async with running(transformers_engine(model_folder), setup) as server:
        measurement = (await server.stub.GetModel(pb.GetModelRequest())).model.start.measurement
        assert measurement.peak_memory_bytes > 2**20
        metrics = generate_latest(server.state.metrics.registry).decode()
    assert "kaito_model_server_start_peak_memory_bytes" in metrics
