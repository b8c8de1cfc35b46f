"""Adapters that are pulled while a server runs, over the fake engine and a fake registry."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from model_server.engine import AdapterInfo, AdapterSource
from model_server.errors import AdapterInvalid
from model_server.fake import FakeEngine
from model_server.pulled_adapters.fake import FakePuller
from model_server.pulled_adapters.folders import AdapterFolders
from model_server.pulled_adapters.pull_errors import PullFailed
from model_server.pulled_adapters.reconciler import PulledAdapters
from tests.model_server.conftest import Running, Setup, generate_request, running
from tests.waiting import until

SERVING = pb.PULLED_ADAPTER_STATE_SERVING
REJECTED = pb.PULLED_ADAPTER_STATE_REJECTED


class PickyEngine(FakeEngine):
    """Refuses adapters whose configuration says so, and records what it has loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []

    async def load_adapter(self, source: AdapterSource) -> AdapterInfo:
        config = (source.path / "adapter_config.json").read_text()
        if "bad" in config:
            raise AdapterInvalid(f"adapter {source.name!r} in {source.path} has rank 0")
        if "unscaled" in config and source.strength != 1:
            raise AdapterInvalid(f"adapter {source.name!r}: set the strength to 1")
        self.loaded.append(source.name)
        return await super().load_adapter(source)

    async def unload_adapter(self, name: str) -> None:
        self.loaded.remove(name)
        await super().unload_adapter(name)


@dataclass
class Bench:
    """A registry, and the folder of a pod: several servers can start on it, one after another."""

    folder: Path
    puller: FakePuller = field(default_factory=FakePuller)
    now: list[float] = field(default_factory=lambda: [0.0])

    def image(self, name: str, content: str = "") -> str:
        """Push an adapter. Content makes it another one; "bad" makes it one that does not load."""
        folder = self.folder / "images" / name.replace("/", "_").replace(":", "_")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        config = f'{{"base_model_name_or_path": "tiny", "comment": "{content}"}}'
        (folder / "adapter_config.json").write_text(config)
        (folder / "adapter_model.safetensors").write_bytes(content.encode())
        self.puller.images[name] = folder
        return name

    def create(self) -> PulledAdapters:
        folders = AdapterFolders(self.folder / "pulled", self.puller)
        return PulledAdapters(folders, threading.Event(), lambda: self.now[0])

    def setup(self, *, first_list_seconds: float = 0.0, wait: bool = True) -> Setup:
        return Setup(
            adapters=self.folder / "none",
            create_pulled=self.create,
            first_list_seconds=first_list_seconds,
            wait_until_serving=wait,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
async def engine() -> PickyEngine:
    return PickyEngine()


@pytest.fixture
async def server(bench: Bench, engine: PickyEngine) -> AsyncIterator[Running]:
    async with running(engine, bench.setup()) as started:
        yield started


def wants(name: str, image: str, strength: float | None = None) -> pb.WantedAdapter:
    return pb.WantedAdapter(name=name, image=image, strength=strength)


async def states(server: Running) -> dict[str, int]:
    return {each.name: each.state for each in (await server.administration.pulled()).adapters}


async def until_states(server: Running, **expected: int) -> dict[str, pb.PulledAdapter]:
    found: list[dict[str, int]] = [{}]

    async def look() -> None:
        while found[0] != expected:
            found[0] = await states(server)

    await asyncio.wait_for(look(), 20)
    return {each.name: each for each in (await server.administration.pulled()).adapters}


async def listed(server: Running) -> dict[str, str]:
    answer = await server.stub.ListAdapters(pb.ListAdaptersRequest())
    return {each.name: each.image for each in answer.adapters}


async def test_adapter_is_added_replaced_and_removed(bench: Bench, server: Running) -> None:
    one, two = bench.image("r/a:1", "one"), bench.image("r/a:2", "two")
    await server.administration.set_pulled(wants("style", one), revision="r1")
    await until_states(server, style=SERVING)
    assert await listed(server) == {"style": "r/a:1@sha256:fake"}
    first = (await server.stub.Generate(generate_request(model="style"))).choices[0].text

    await server.administration.set_pulled(wants("style", two), revision="r2")
    await until(lambda: len(bench.puller.pulled) == 2)
    await until_states(server, style=SERVING)
    assert await listed(server) == {"style": "r/a:2@sha256:fake"}
    answer = await server.stub.Generate(generate_request(model="style"))
    assert answer.model == "style"
    assert answer.choices[0].text != first

    await server.administration.set_pulled(revision="r3")
    await until_states(server)
    with pytest.raises(grpc.aio.AioRpcError, match="'style' is not loaded"):
        await server.stub.Generate(generate_request(model="style"))
    assert (await server.administration.pulled()).revision == "r3"


async def test_bad_one_is_named_beside_those_that_serve(bench: Bench, server: Running) -> None:
    good, bad = bench.image("r/good:1"), bench.image("r/bad:1", "bad")
    bench.puller.failures["r/gone:1"] = PullFailed("r/gone:1 does not exist", retryable=True)
    await server.administration.set_pulled(
        wants("bad", bad), wants("gone", "r/gone:1"), wants("good", good)
    )
    reports = await until_states(server, bad=REJECTED, gone=REJECTED, good=SERVING)
    assert reports["bad"].cause == "adapter 'bad' in r/bad:1 has rank 0"
    assert reports["gone"].cause == "r/gone:1 does not exist"
    for name in ("bad", "gone"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub.Generate(generate_request(model=name))
        assert reports[name].cause in (caught.value.details() or "")
    answer = await server.stub.ListAdapters(pb.ListAdaptersRequest())
    assert [each.name for each in answer.rejected] == ["bad", "gone"]


async def test_bad_replacement_leaves_the_old_one_serving(bench: Bench, server: Running) -> None:
    await server.administration.set_pulled(wants("style", bench.image("r/a:1", "one")))
    await until_states(server, style=SERVING)
    await server.administration.set_pulled(wants("style", bench.image("r/a:2", "bad")))
    reports = await until_states(server, style=REJECTED)
    assert reports["style"].image == "r/a:1@sha256:fake"
    assert (await server.stub.Generate(generate_request(model="style"))).model == "style"


@pytest.mark.parametrize("second", ["style", "weak"], ids=["same name", "another name"])
async def test_image_that_serves_is_kept_when_another_strength_of_it_is_refused(
    second: str, bench: Bench, server: Running
) -> None:
    image = bench.image("r/a:1", "unscaled")
    await server.administration.set_pulled(wants("style", image))
    served = (await until_states(server, style=SERVING))["style"].image
    others = {} if second == "style" else {"style": wants("style", image)}
    await server.administration.set_pulled(wants(second, image, 0.5), *others.values())
    reports = await until_states(server, **{**dict.fromkeys(others, SERVING), second: REJECTED})
    assert reports["style"].image == served != ""
    (folder,) = [path for path in (bench.folder / "pulled").iterdir() if path.is_dir()]
    assert (folder / "adapter_model.safetensors").is_file()


async def test_requests_that_run_finish_with_the_old_one(
    bench: Bench, server: Running, engine: PickyEngine
) -> None:
    await server.administration.set_pulled(wants("style", bench.image("r/a:1", "one")))
    await until_states(server, style=SERVING)
    engine.gate.clear()
    old = asyncio.ensure_future(server.stub.Generate(generate_request(model="style")))
    await until(lambda: engine.scheduler_stats().running == 1)
    await server.administration.set_pulled(wants("style", bench.image("r/a:2", "two")))
    await until_states(server, style=SERVING)
    assert len(engine.loaded) == 2
    new = asyncio.ensure_future(server.stub.Generate(generate_request(model="style")))
    await until(lambda: engine.scheduler_stats().running == 2)
    engine.gate.set()
    answers = await asyncio.gather(old, new)
    assert [answer.model for answer in answers] == ["style", "style"]
    await until(lambda: len(engine.loaded) == 1)


async def test_registry_that_was_away_is_asked_again(bench: Bench, server: Running) -> None:
    image = bench.image("r/a:1")
    bench.puller.failures[image] = PullFailed("away", retryable=True)
    await server.administration.set_pulled(wants("style", image))
    await until_states(server, style=REJECTED)
    del bench.puller.failures[image]
    bench.now[0] += 31
    # Any list wakes the server; its own timer does so after as long.
    await server.administration.set_pulled(wants("style", image))
    await until_states(server, style=SERVING)


async def test_permanent_failure_is_tried_again_with_other_credentials_only(
    bench: Bench, server: Running
) -> None:
    image = bench.image("r/a:1")
    bench.puller.failures[image] = PullFailed("unauthorized", retryable=False)
    await server.administration.set_pulled(wants("style", image))
    await until_states(server, style=REJECTED)
    await server.administration.set_pulled(wants("style", image), wants("b", bench.image("r/b:1")))
    await until_states(server, style=REJECTED, b=SERVING)
    assert [entry.name for entry in bench.puller.pulled] == ["style", "b"]
    del bench.puller.failures[image]
    access = pb.RegistryAccess(username="user", password="secret")
    await server.administration.set_pulled(
        pb.WantedAdapter(name="style", image=image, access=access)
    )
    await until_states(server, style=SERVING)


async def test_server_is_ready_once_every_wanted_adapter_serves_or_is_rejected(
    bench: Bench, engine: PickyEngine
) -> None:
    good, bad = bench.image("r/good:1"), bench.image("r/bad:1", "bad")
    engine.ready.clear()
    async with running(engine, bench.setup(first_list_seconds=600, wait=False)) as server:
        # The list is taken while the model loads.
        await server.administration.set_pulled(wants("bad", bad), wants("good", good))
        engine.ready.set()
        await until(lambda: server.state.served is not None)
        assert await states(server) == {"bad": REJECTED, "good": SERVING}


async def test_server_without_a_list_is_ready_when_its_time_is_over(
    bench: Bench, engine: PickyEngine
) -> None:
    async with running(engine, bench.setup(first_list_seconds=0.0)) as server:
        assert (await server.stub.Generate(generate_request())).model == "tiny"


async def test_empty_list_makes_the_server_ready(bench: Bench, engine: PickyEngine) -> None:
    async with running(engine, bench.setup(first_list_seconds=600, wait=False)) as server:
        await server.administration.set_pulled(revision="none")
        await until(lambda: server.state.served is not None)


async def test_process_that_is_restarted_serves_what_it_had(bench: Bench) -> None:
    image = bench.image("r/a:1")
    async with running(PickyEngine(), bench.setup()) as server:
        await server.administration.set_pulled(wants("style", image, 0.5), revision="r1")
        await until_states(server, style=SERVING)
    # Nobody has to say it again, and the registry is not needed.
    bench.puller.failures[image] = PullFailed("away", retryable=True)
    async with running(PickyEngine(), bench.setup(first_list_seconds=600)) as server:
        assert (await server.administration.pulled()).revision == "r1"
        assert await states(server) == {"style": SERVING}
    assert len(bench.puller.pulled) == 1


async def test_folders_of_what_nobody_wants_are_removed(bench: Bench, server: Running) -> None:
    pulled = bench.folder / "pulled"
    await server.administration.set_pulled(wants("style", bench.image("r/a:1")))
    await until_states(server, style=SERVING)
    (pulled / "left.partial").mkdir()
    await server.administration.set_pulled()
    await until(lambda: [path.name for path in pulled.iterdir()] == ["wanted.json"])


async def test_adapter_of_a_folder_keeps_its_name(bench: Bench, adapters_folder: Path) -> None:
    setup = Setup(adapters=adapters_folder, create_pulled=bench.create)
    async with running(PickyEngine(), setup) as server:
        await server.administration.set_pulled(wants("poet", bench.image("r/a:1")))
        reports = await until_states(server, poet=REJECTED)
        assert f"is served from {adapters_folder / 'poet'}" in reports["poet"].cause
        assert sorted(await listed(server)) == ["pirate", "poet"]


WRONG: dict[str, tuple[list[pb.WantedAdapter], str]] = {
    "name": ([wants("A B", "r/a:1")], "adapters[0].name = 'A B': use 1 to 253 characters"),
    "strength": ([wants("a", "r/a:1", 2)], "adapters[0].strength = 2.0: must be between 0 and 1"),
    "twice": ([wants("a", "r/a:1")] * 2, "adapters[1].name = 'a': occurs twice"),
    "many": ([wants(f"a{n}", "r/a:1") for n in range(65)], "send at most 64"),
}


@pytest.mark.parametrize(("adapters", "message"), WRONG.values(), ids=WRONG)
async def test_wrong_list_is_refused(
    adapters: list[pb.WantedAdapter], message: str, server: Running
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.administration.set_pulled(*adapters)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in (caught.value.details() or "")


async def test_server_without_a_folder_pulls_nothing(tmp_path: Path) -> None:
    async with running(PickyEngine(), Setup(adapters=tmp_path)) as server:
        calls: list[Callable[[], object]] = [
            server.administration.set_pulled,
            server.administration.pulled,
        ]
        for call in calls:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call()  # type: ignore[misc]
            assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
            assert "KAITO_PULLED_ADAPTERS_DIR" in (caught.value.details() or "")


def signed(name: str, image: str, keys: str = "PEM") -> pb.WantedAdapter:
    demanded = pb.SignatureVerification(public_keys=keys, source="the Secret team/signing")
    return pb.WantedAdapter(name=name, image=image, verification=demanded)


async def test_unsigned_adapter_is_named_and_the_others_serve(
    bench: Bench, server: Running
) -> None:
    good, bad, plain = bench.image("r/good:1"), bench.image("r/bad:1"), bench.image("r/plain:1")
    bench.puller.signers[good] = "sha256:key"
    bench.puller.failures[bad] = PullFailed(
        "r/bad:1 has no signature", retryable=True, unverified=True
    )
    await server.administration.set_pulled(signed("a", good), signed("b", bad), wants("c", plain))
    found = await until_states(server, a=SERVING, b=REJECTED, c=SERVING)
    assert (found["a"].signed_by, found["b"].signed_by, found["c"].signed_by) == (
        "sha256:key",
        "",
        "",
    )
    assert found["b"].unverified and found["b"].cause == "r/bad:1 has no signature"
    assert not found["a"].unverified


async def test_adapter_that_serves_is_unloaded_when_a_signature_is_demanded_that_it_has_not(
    bench: Bench, server: Running, engine: PickyEngine
) -> None:
    image = bench.image("r/a:1")
    await server.administration.set_pulled(wants("a", image))
    await until_states(server, a=SERVING)
    bench.puller.failures[image] = PullFailed("no signature", retryable=True, unverified=True)
    await server.administration.set_pulled(signed("a", image))
    found = await until_states(server, a=REJECTED)
    assert found["a"].unverified and not found["a"].image
    assert not engine.loaded


async def test_server_that_restarts_serves_what_it_has_verified(
    bench: Bench, engine: PickyEngine
) -> None:
    image = bench.image("r/a:1")
    bench.puller.signers[image] = "sha256:key"
    async with running(engine, bench.setup()) as server:
        await server.administration.set_pulled(signed("a", image))
        await until_states(server, a=SERVING)
    bench.puller.failures[image] = PullFailed("the registry is away", retryable=True)
    async with running(PickyEngine(), bench.setup()) as server:
        found = await until_states(server, a=SERVING)
    assert found["a"].signed_by == "sha256:key"
