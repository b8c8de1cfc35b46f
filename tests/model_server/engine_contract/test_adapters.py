"""Adapters of every engine: loaded, used, rejected, and administered."""

import asyncio
import shutil
from pathlib import Path

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from model_server.engine import AdapterInfo, AdapterSource, Engine
from tests.model_server.conftest import (
    MIXES_UP_BASE,
    TOKEN,
    Administration,
    Running,
    Setup,
    applies_strengths,
    generate_request,
    requires_minimum,
    running,
)
from tests.model_server.tiny_model import make_adapter


async def test_adapters_are_selected_by_name(server: Running) -> None:
    texts = {}
    for model in ("", "tiny", "pirate", "poet"):
        answer = await server.stub.Generate(generate_request(model=model))
        assert answer.model == (model or "tiny")
        texts[model] = answer.choices[0].text
    assert texts[""] == texts["tiny"]
    assert len(set(texts.values())) == 3


async def test_adapters_share_a_batch(server: Running) -> None:
    names = ["pirate", "poet"] if MIXES_UP_BASE else ["tiny", "pirate", "poet"]
    alone = {
        n: (await server.stub.Generate(generate_request(model=n))).choices[0].text for n in names
    }
    answers = await asyncio.gather(
        *(server.stub.Generate(generate_request(model=name)) for name in names * 5)
    )
    for answer in answers:
        assert answer.choices[0].text == alone[answer.model]


async def test_adapter_is_loaded_used_and_unloaded(server: Running, adapters_folder: Path) -> None:
    stub, folder = server.stub, adapters_folder
    make_adapter(folder / "late", seed=3)
    strength = 0.5 if applies_strengths(server) else 1.0
    request = pb.LoadAdapterRequest(name="late", strength=strength)
    loaded = (await server.administration.load(request)).adapter
    assert (loaded.name, loaded.strength, loaded.path) == ("late", strength, str(folder / "late"))
    assert (await server.administration.load(request)).adapter == loaded
    with pytest.raises(grpc.aio.AioRpcError) as full:
        make_adapter(folder / "later", seed=4)
        await server.administration.load(pb.LoadAdapterRequest(name="later"))
    assert full.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await stub.Generate(generate_request(model="late"))).model == "late"
    await server.administration.unload("late")
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await stub.Generate(generate_request(model="late"))
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND


async def test_other_strength_needs_an_unload_first(server: Running) -> None:
    half = pb.LoadAdapterRequest(name="poet", strength=0.5)
    if not applies_strengths(server):
        await server.administration.unload("poet")
        with pytest.raises(grpc.aio.AioRpcError, match="applies adapters as a whole"):
            await server.administration.load(half)
        return
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.administration.load(half)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert "with strength 1; unload it first" in (caught.value.details() or "")
    await server.administration.unload("poet")
    assert (await server.administration.load(half)).adapter.strength == 0.5


async def test_a_folder_rewritten_in_place_changes_no_answer_until_it_is_loaded_again(
    server: Running, adapters_folder: Path
) -> None:
    async def text(model: str) -> str:
        answer: pb.GenerateResponse = await server.stub.Generate(generate_request(model=model))
        return answer.choices[0].text

    before = await text("poet")
    weights = adapters_folder / "poet/adapter_model.safetensors"
    weights.write_bytes((adapters_folder / "pirate/adapter_model.safetensors").read_bytes())
    assert await text("poet") == before
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.administration.load(pb.LoadAdapterRequest(name="poet"))
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert "they have changed since; unload it first" in (caught.value.details() or "")
    await server.administration.unload("poet")
    assert (await server.administration.load(pb.LoadAdapterRequest(name="poet"))).adapter


async def test_files_that_change_while_they_are_read_are_rejected(
    server: Running, adapters_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_adapter(adapters_folder / "late")
    load = type(server.engine).load_adapter

    async def load_while_it_is_written(engine: Engine, source: AdapterSource) -> AdapterInfo:
        info = await load(engine, source)
        make_adapter(adapters_folder / "new", seed=5)
        shutil.copy(adapters_folder / "new/adapter_model.safetensors", folder)
        return info

    monkeypatch.setattr(type(server.engine), "load_adapter", load_while_it_is_written)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.administration.load(pb.LoadAdapterRequest(name="late"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "changed while they were read" in (caught.value.details() or "")
    monkeypatch.undo()
    assert (await server.administration.load(pb.LoadAdapterRequest(name="late"))).adapter


async def test_adapter_of_another_base_is_rejected(server: Running, adapters_folder: Path) -> None:
    make_adapter(adapters_folder / "late", base_model_name_or_path="acme/tiny-instruct")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.administration.load(pb.LoadAdapterRequest(name="late"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    for text in ("base_model_name_or_path = 'acme/tiny-instruct'", "base model is 'tiny'"):
        assert text in (caught.value.details() or "")
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await server.stub.Generate(generate_request(model="late"))
    assert gone.value.code() is grpc.StatusCode.NOT_FOUND


async def test_bad_adapter_at_start_does_not_take_the_others_down(
    engine: Engine, adapters_folder: Path
) -> None:
    bad = make_adapter(adapters_folder / "bad", base_model_name_or_path="acme/falcon-7b")
    (make_adapter(adapters_folder / "torn") / "adapter_model.safetensors").unlink()
    setup = Setup(adapters=adapters_folder, default="poet", strengths={"absent": 0.5})
    async with running(engine, setup) as server:
        listed = await server.stub.ListAdapters(pb.ListAdaptersRequest(page_size=1))
        assert [each.name for each in listed.rejected] == ["absent", "bad", "torn"]
        assert "holds no adapter_config.json" in listed.rejected[0].cause
        assert "acme/falcon-7b" in listed.rejected[1].cause
        assert listed.rejected[1].path == str(bad)
        assert "adapter_model.safetensors" in listed.rejected[2].cause
        second = pb.ListAdaptersRequest(page_token=listed.next_page_token)
        rest = await server.stub.ListAdapters(second)
        assert [each.name for each in (*listed.adapters, *rest.adapters)] == ["pirate", "poet"]
        assert not rest.rejected
        assert (await server.stub.Generate(generate_request())).model == "poet"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub.Generate(generate_request(model="bad"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert "acme/falcon-7b" in (caught.value.details() or "")
        # Once it is mended, it leaves the list.
        shutil.rmtree(bad)
        make_adapter(bad)
        await server.administration.unload("pirate")
        await server.administration.load(pb.LoadAdapterRequest(name="bad"))
        listed = await server.stub.ListAdapters(pb.ListAdaptersRequest())
        assert [each.name for each in listed.rejected] == ["absent", "torn"]
        assert (await server.stub.Generate(generate_request(model="bad"))).model == "bad"


async def test_unload_waits_for_its_users(server: Running) -> None:
    requires_minimum(server)
    request = generate_request(model="poet", max_new_tokens=300, min_new_tokens=300)
    call = aiter(server.stub.StreamGenerate(pb.StreamGenerateRequest(request=request)))
    await anext(call)
    unloading = asyncio.ensure_future(server.administration.unload("poet"))
    with pytest.raises(grpc.aio.AioRpcError) as rejected:
        while True:
            await server.stub.Generate(generate_request(model="poet", max_new_tokens=1))
    assert rejected.value.code() is grpc.StatusCode.NOT_FOUND
    assert not unloading.done()
    deltas = [delta async for delta in call]
    assert deltas[-1].usage.completion_tokens == 300
    await unloading


async def test_adapters_are_listed_in_pages(server: Running) -> None:
    first = await server.stub.ListAdapters(pb.ListAdaptersRequest(page_size=1))
    request = pb.ListAdaptersRequest(page_token=first.next_page_token)
    second = await server.stub.ListAdapters(request)
    assert [adapter.name for adapter in (*first.adapters, *second.adapters)] == ["pirate", "poet"]
    assert (bool(first.next_page_token), second.next_page_token) == (True, "")


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "Bearer wrong"),),
        (("authorization", "Bearer "),),
        (("authorization", TOKEN),),
        (("authorization", f"Bearer {TOKEN}"), ("authorization", "Bearer wrong")),
    ],
    ids="none wrong empty no-scheme twice".split(),
)
async def test_adapters_are_administered_with_the_token_only(
    server: Running, metadata: tuple[tuple[str, str], ...]
) -> None:
    stranger = Administration(server.administration.channel, metadata)
    for call in (stranger.load(pb.LoadAdapterRequest(name="poet")), stranger.unload("poet")):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert (await server.stub.Generate(generate_request(model="poet"))).model == "poet"


async def test_the_public_port_administers_nothing(server: Running) -> None:
    for call in (
        server.stub.LoadAdapter(pb.LoadAdapterRequest(name="poet")),
        server.stub.UnloadAdapter(pb.UnloadAdapterRequest(name="poet")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert "AdapterAdministrationService" in (caught.value.details() or "")
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await Administration(server.channel).unload("poet")
    assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with pytest.raises(grpc.aio.AioRpcError) as apart:
        stub = inference_pb2_grpc.InferenceServiceStub(server.administration.channel)
        await stub.Generate(generate_request())
    assert apart.value.code() is grpc.StatusCode.UNIMPLEMENTED
