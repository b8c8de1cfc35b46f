"""Adapters of every engine that are pulled from a registry while the server runs."""

import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito_registry.fake import FakeRegistry
from model_server.engine import Engine
from model_server.pulled_adapters.folders import AdapterFolders
from model_server.pulled_adapters.puller import RegistryPuller
from model_server.pulled_adapters.reconciler import PulledAdapters
from tests.kaito_registry.images import layer, publish
from tests.model_server.conftest import (
    Administration,
    Running,
    Setup,
    generate_request,
    is_text_generation_server,
    running,
)
from tests.model_server.tiny_model import make_adapter

SERVING = pb.PULLED_ADAPTER_STATE_SERVING
REJECTED = pb.PULLED_ADAPTER_STATE_REJECTED
ACCESS = pb.RegistryAccess(username="user", password="secret", plain_http=True, source="Secret p")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry(auth="basic").running() as started:
        yield started


def push(registry: FakeRegistry, tag: str, folder: Path) -> str:
    """Push an adapter's folder as the tuner does; returns the image by its digest."""
    files = {f"data/{path.name}": path.read_bytes() for path in folder.iterdir()}
    digest = publish(registry.host, "team/a", tag, [layer(files)], auth=("user", "secret"))
    return f"{registry.host}/team/a@{digest}"


@pytest.fixture
async def server(engine: Engine, tmp_path: Path) -> AsyncIterator[Running]:
    def create() -> PulledAdapters:
        stop = threading.Event()
        return PulledAdapters(AdapterFolders(tmp_path / "pulled", RegistryPuller(stop)), stop)

    setup = Setup(adapters=tmp_path / "none", create_pulled=create)
    async with running(engine, setup) as started:
        yield started


async def settled(server: Running) -> dict[str, pb.PulledAdapter]:
    """What became of each adapter, once none is pending."""
    while True:
        found = (await server.administration.pulled()).adapters
        if all(each.state in (SERVING, REJECTED) for each in found):
            return {each.name: each for each in found}


async def text(server: Running, model: str) -> str:
    answer: pb.GenerateResponse = await server.stub.Generate(generate_request(model=model))
    assert answer.model == model
    return answer.choices[0].text


async def test_adapter_is_pulled_by_digest_replaced_and_removed(
    server: Running, registry: FakeRegistry, tmp_path: Path
) -> None:
    one = push(registry, "1", make_adapter(tmp_path / "one", seed=1))
    two = push(registry, "2", make_adapter(tmp_path / "two", seed=2))
    base = await text(server, "tiny")
    await server.administration.set_pulled(pb.WantedAdapter(name="a", image=one, access=ACCESS))
    report = (await settled(server))["a"]
    if is_text_generation_server(server):
        assert report.state == REJECTED
        assert "loads no adapters while it runs" in report.cause
        return
    assert report.state == SERVING
    first = await text(server, "a")
    await server.administration.set_pulled(pb.WantedAdapter(name="a", image=two, access=ACCESS))
    reports = await settled(server)
    assert (reports["a"].state, reports["a"].image) == (SERVING, two)
    second = await text(server, "a")
    assert len({base, first, second}) == 3
    listed = await server.stub.ListAdapters(pb.ListAdaptersRequest())
    assert [(each.name, each.image) for each in listed.adapters] == [("a", two)]
    # Back again: the engine knows it under another name by now.
    await server.administration.set_pulled(pb.WantedAdapter(name="a", image=one, access=ACCESS))
    assert (await settled(server))["a"].image == one
    assert await text(server, "a") == first
    await server.administration.set_pulled()
    assert await settled(server) == {}
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        while True:
            await server.stub.Generate(generate_request(model="a", max_new_tokens=1))
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND


async def test_bad_one_is_named_beside_the_others_that_serve(
    server: Running, registry: FakeRegistry, tmp_path: Path
) -> None:
    good = push(registry, "good", make_adapter(tmp_path / "good", seed=1))
    other = make_adapter(tmp_path / "bad", base_model_name_or_path="acme/falcon-7b")
    bad = push(registry, "bad", other)
    closed = push(registry, "closed", make_adapter(tmp_path / "closed", seed=3))
    await server.administration.set_pulled(
        pb.WantedAdapter(name="bad", image=bad, access=ACCESS),
        pb.WantedAdapter(name="closed", image=closed, access=pb.RegistryAccess(plain_http=True)),
        pb.WantedAdapter(name="good", image=good, access=ACCESS),
    )
    reports = await settled(server)
    assert {name: each.state for name, each in reports.items()} == {
        "bad": REJECTED,
        "closed": REJECTED,
        "good": REJECTED if is_text_generation_server(server) else SERVING,
    }
    assert "name a Secret in source.imagePullSecrets" in reports["closed"].cause
    assert "base_model_name_or_path = 'acme/falcon-7b'" in reports["bad"].cause
    assert str(tmp_path) not in reports["bad"].cause
    if not is_text_generation_server(server):
        assert await text(server, "good") != await text(server, "tiny")


async def test_pulled_adapters_are_administered_with_the_token_only(server: Running) -> None:
    stranger = Administration(server.administration.channel, ())
    for call in (stranger.set_pulled(), stranger.pulled()):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
