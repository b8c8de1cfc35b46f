"""What every engine must do, tested through the contract on the fake and the real one."""

import asyncio
import contextlib
import math
import shutil
from pathlib import Path
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from kaito_grpc.field_violations import from_error
from model_server.engine import AdapterInfo, AdapterSource, Engine
from model_server.openai_server.engine import OpenAIServerEngine
from tests.model_server.conftest import (
    TOKEN,
    Administration,
    Running,
    Setup,
    generate_request,
    requires,
    running,
    stream,
    until,
)
from tests.model_server.tiny_model import make_adapter


def applies_strengths(server: Running) -> bool:
    """Engines in other containers apply an adapter as a whole."""
    return not isinstance(server.engine, OpenAIServerEngine)


async def test_generate_returns_the_whole_answer(server: Running) -> None:
    answer = await server.stub.Generate(generate_request())
    assert [choice.index for choice in answer.choices] == [0]
    assert answer.choices[0].text
    assert answer.choices[0].finish_reason in (pb.FINISH_REASON_STOP, pb.FINISH_REASON_LENGTH)
    assert 0 < answer.usage.completion_tokens <= 24
    assert (answer.model, bool(answer.request_id)) == ("tiny", True)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"max_new_tokens": 200}, id="greedy"),
        pytest.param({"max_new_tokens": 200, "do_sample": True, "seed": 3}, id="sampled"),
        pytest.param(
            {"max_new_tokens": 60, "do_sample": True, "seed": 3, "num_return_sequences": 3},
            id="three choices",
        ),
    ],
)
async def test_stream_equals_the_whole_answer(server: Running, options: dict[str, Any]) -> None:
    whole = await server.stub.Generate(generate_request(**options))
    deltas = await stream(server, generate_request(**options))
    for choice in whole.choices:
        own = [delta for delta in deltas if delta.index == choice.index]
        assert "".join(delta.text for delta in own) == choice.text
        assert [delta.finish_reason for delta in own if delta.finish_reason] == [
            choice.finish_reason
        ]
        assert own[-1].finish_reason == choice.finish_reason
    assert deltas[-1].usage == whole.usage
    assert (deltas[0].model, bool(deltas[0].request_id)) == ("tiny", True)


async def test_deltas_are_whole_characters(server: Running) -> None:
    request = generate_request(max_new_tokens=400, do_sample=True, seed=11, temperature=3.0)
    deltas = await stream(server, request)
    # Only where the answer ends may a character be incomplete.
    assert not any(delta.text.endswith("\N{REPLACEMENT CHARACTER}") for delta in deltas[:-1])


async def test_seed_makes_sampling_repeatable(server: Running) -> None:
    async def sample(seed: int) -> str:
        answer = await server.stub.Generate(
            generate_request(do_sample=True, seed=seed, temperature=2.0)
        )
        return str(answer.choices[0].text)

    assert await sample(1) == await sample(1)
    assert len({await sample(seed) for seed in range(5)}) > 1


async def test_choices_of_one_seed_differ(server: Running) -> None:
    request = generate_request(do_sample=True, seed=5, temperature=2.0, num_return_sequences=4)
    answer = await server.stub.Generate(request)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert len({choice.text for choice in answer.choices}) > 1


async def test_concurrent_requests_get_the_same_answer(server: Running) -> None:
    alone = await server.stub.Generate(generate_request())
    answers = await asyncio.gather(*(server.stub.Generate(generate_request()) for _ in range(32)))
    assert {answer.choices[0].text for answer in answers} == {alone.choices[0].text}


async def test_answer_ends_before_the_stop_string(server: Running) -> None:
    plain = (await server.stub.Generate(generate_request(max_new_tokens=120))).choices[0].text
    stop = plain[10:16]
    answer = await server.stub.Generate(generate_request(max_new_tokens=120, stop=[stop, "never"]))
    assert answer.choices[0].text == plain[: plain.index(stop)]
    assert answer.choices[0].finish_reason == pb.FINISH_REASON_STOP
    deltas = await stream(server, generate_request(max_new_tokens=120, stop=[stop]))
    assert "".join(delta.text for delta in deltas) == answer.choices[0].text


async def test_max_length_counts_the_prompt(server: Running) -> None:
    prompt_tokens = (
        await server.stub.Generate(generate_request(max_new_tokens=1))
    ).usage.prompt_tokens
    request = generate_request(min_new_tokens=5)
    request.options.ClearField("max_new_tokens")
    request.options.max_length = prompt_tokens + 5
    answer = await server.stub.Generate(request)
    assert answer.usage.completion_tokens == 5
    assert answer.choices[0].finish_reason == pb.FINISH_REASON_LENGTH


async def test_disconnect_stops_the_generation(server: Running) -> None:
    # Takes far longer than the test waits, unless the generation stops.
    request = generate_request(max_new_tokens=1800, min_new_tokens=1800, num_return_sequences=8)
    call = server.stub.StreamGenerate(pb.StreamGenerateRequest(request=request))
    await call.read()
    call.cancel()
    await until(lambda: server.engine.scheduler_stats().running == 0)
    counted = server.state.metrics.registry.get_sample_value(
        "kaito_model_server_completion_tokens_total", {"model": "tiny"}
    )
    assert counted is not None
    assert counted < 8 * 1800
    assert (
        await server.stub.Generate(generate_request(max_new_tokens=2))
    ).usage.completion_tokens > 0


async def test_deadline_stops_the_generation(server: Running) -> None:
    request = generate_request(max_new_tokens=1800, min_new_tokens=1800, num_return_sequences=8)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Generate(request, timeout=0.05)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: server.engine.scheduler_stats().running == 0)


@pytest.mark.parametrize(
    ("request_", "code", "texts"),
    [
        (pb.GenerateRequest(), "INVALID_ARGUMENT", ["input", "prompt or chat"]),
        (generate_request(prompt=""), "INVALID_ARGUMENT", ["prompt"]),
        (generate_request(prompt="ship " * 3000), "INVALID_ARGUMENT", ["2048", "shorten"]),
        (
            generate_request(temperature=0.0),
            "INVALID_ARGUMENT",
            ["options.temperature", "turn sampling off"],
        ),
        (
            generate_request(do_sample=True, temperature=1e-40),
            "INVALID_ARGUMENT",
            ["options.temperature", "between 1e-06 and 100"],
        ),
        (
            generate_request(do_sample=True, repetition_penalty=1e-39),
            "INVALID_ARGUMENT",
            ["options.repetition_penalty", "between 0.01 and 100"],
        ),
        (generate_request(top_p=1.5), "INVALID_ARGUMENT", ["options.top_p", "1.5"]),
        (
            generate_request(max_new_tokens=0),
            "INVALID_ARGUMENT",
            ["options.max_new_tokens", "1 or more"],
        ),
        (generate_request(stop=["a", ""]), "INVALID_ARGUMENT", ["options.stop", "empty"]),
        (generate_request(num_return_sequences=17), "INVALID_ARGUMENT", ["between 1 and 16"]),
        (generate_request(model="nobody"), "NOT_FOUND", ["nobody", "tiny", "pirate", "poet"]),
        (
            pb.GenerateRequest(chat=pb.Chat()),
            "INVALID_ARGUMENT",
            ["chat.messages", "at least one"],
        ),
        (
            pb.GenerateRequest(chat=pb.Chat(messages=[pb.ChatMessage(role="owl", content="hu")])),
            "INVALID_ARGUMENT",
            ["chat.messages[0].role", "owl"],
        ),
    ],
    ids="no-input empty-prompt long-prompt temperature cold penalty top_p max_new_tokens stop "
    "choices model no-messages role".split(),
)
async def test_invalid_requests_name_field_value_and_remedy(
    server: Running, request_: pb.GenerateRequest, code: str, texts: list[str]
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as whole_error:
        await server.stub.Generate(request_)
    with pytest.raises(grpc.aio.AioRpcError) as stream_error:
        await stream(server, request_)
    assert (whole_error.value.code().name, stream_error.value.code().name) == (code, code)
    assert whole_error.value.details() == stream_error.value.details()
    for text in texts:
        assert text in (whole_error.value.details() or "")
    for error in (whole_error.value, stream_error.value):
        violation = from_error(error)
        assert (violation is not None) == (code == "INVALID_ARGUMENT")
        if violation:
            assert (error.details() or "").startswith(f"{violation.field} = ")


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"stop": ["s3cret", ""]}, {}),
        ({"model": "s3cret"}, {}),
        ({}, {"chat": pb.Chat(messages=[pb.ChatMessage(role="s3cret", content="hu")])}),
        ({}, {"request_id": "s3cret " * 9}),
    ],
    ids="stop model role request-id".split(),
)
async def test_nothing_that_a_client_sent_is_logged(
    server: Running, caplog: pytest.LogCaptureFixture, options: Any, changes: Any
) -> None:
    caplog.set_level("DEBUG")
    request = generate_request(**options)
    request.MergeFrom(pb.GenerateRequest(**changes))
    with contextlib.suppress(grpc.aio.AioRpcError):
        await server.stub.Generate(request)
    assert any(record.name.startswith("model_server") for record in caplog.records)
    for record in caplog.records:
        assert "s3cret" not in str(vars(record))


async def test_chat_uses_the_template(server: Running) -> None:
    chat = pb.Chat(messages=[pb.ChatMessage(role="user", content="ship")])
    tokens = await server.stub.Tokenize(pb.TokenizeRequest(chat=chat))
    plain = await server.stub.Tokenize(pb.TokenizeRequest(prompt="ship"))
    assert len(tokens.token_ids) == len(tokens.tokens) > len(plain.token_ids)
    request = pb.GenerateRequest(chat=chat, options=pb.GenerationOptions(max_new_tokens=1))
    answer = await server.stub.Generate(request)
    assert answer.usage.prompt_tokens == len(tokens.token_ids)


async def test_tokens_give_their_text_again(server: Running) -> None:
    tokens = await server.stub.Tokenize(pb.TokenizeRequest(prompt="ship", add_special_tokens=False))
    request = pb.DetokenizeRequest(token_ids=tokens.token_ids, model="pirate")
    assert (await server.stub.Detokenize(request)).text == "ship"
    assert (await server.stub.Detokenize(pb.DetokenizeRequest())).text == ""


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        (pb.DetokenizeRequest(token_ids=[65, 2**32 - 1]), "INVALID_ARGUMENT", "token_ids[1]"),
        (pb.DetokenizeRequest(token_ids=[65] * 100_000), "INVALID_ARGUMENT", "token_ids"),
        (pb.DetokenizeRequest(model="nobody"), "NOT_FOUND", ""),
    ],
    ids=["unknown", "too many", "no model"],
)
async def test_tokens_without_a_text_are_rejected(
    server: Running, request_: pb.DetokenizeRequest, code: str, field: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Detokenize(request_)
    assert caught.value.code().name == code
    violation = from_error(caught.value)
    # An engine in another container names the field, and may not know which of them.
    assert (violation.field if violation else "") in (field, field.partition("[")[0])


async def test_every_new_token_has_a_logprob(server: Running) -> None:
    await requires(server, "options.logprobs", "options.return_token_ids")
    request = generate_request(
        max_new_tokens=60, do_sample=True, seed=2, num_return_sequences=2,
        logprobs=True, top_logprobs=3, return_token_ids=True,
    )  # fmt: skip
    whole = await server.stub.Generate(request)
    deltas = await stream(server, request)
    for choice in whole.choices:
        own = [delta for delta in deltas if delta.index == choice.index]
        assert [each for delta in own for each in delta.logprobs] == list(choice.logprobs)
        assert [each.token.id for each in choice.logprobs] == list(choice.token_ids)
        for each in choice.logprobs:
            logprobs = [likely.logprob for likely in each.top]
            assert len(logprobs) == 3
            assert logprobs == sorted(logprobs, reverse=True)
            assert each.token.logprob <= logprobs[0] < 0
            assert each.token.text == each.token.raw.decode(errors="replace")
    assert sum(len(choice.logprobs) for choice in whole.choices) == whole.usage.completion_tokens
    plain = await server.stub.Generate(generate_request())
    assert not plain.choices[0].logprobs


async def test_bytes_of_tokens_join_to_the_text(server: Running) -> None:
    await requires(server, "options.logprobs")
    request = generate_request(prompt="naïve 東京 ☂", max_new_tokens=60, logprobs=True)
    choice = (await server.stub.Generate(request)).choices[0]
    # Special tokens are no part of the text.
    special = (b"<|end|>", b"<|system|>", b"<|user|>", b"<|assistant|>")
    raw = b"".join(each.token.raw for each in choice.logprobs if each.token.raw not in special)
    assert raw.decode(errors="replace") == choice.text


async def test_every_token_of_the_prompt_but_the_first_has_a_logprob(server: Running) -> None:
    await requires(server, "options.prompt_logprobs")
    request = generate_request(max_new_tokens=1, prompt_logprobs=True, return_token_ids=True)
    whole = await server.stub.Generate(request)
    assert whole.usage.prompt_tokens == len(whole.prompt_logprobs) > 1
    assert [each.token.id for each in whole.prompt_logprobs] == list(whole.prompt_token_ids)
    given = [each.token.HasField("logprob") for each in whole.prompt_logprobs]
    assert given == [False] + [True] * (len(given) - 1)
    first, *rest = await stream(server, request)
    assert list(first.prompt_logprobs) == list(whole.prompt_logprobs)
    assert not any(delta.prompt_logprobs or delta.prompt_token_ids for delta in rest)


async def test_token_ids_are_taken_as_they_are(server: Running) -> None:
    await requires(server, "options.return_token_ids")
    plain = await server.stub.Generate(generate_request(return_token_ids=True))
    request = generate_request()
    request.token_ids.ids.extend(plain.prompt_token_ids)
    answer = await server.stub.Generate(request)
    assert answer.choices[0].text == plain.choices[0].text
    assert answer.usage == plain.usage


def embed_request(*texts: str, **fields: Any) -> pb.EmbedRequest:
    return pb.EmbedRequest(inputs=[pb.EmbedInput(text=text) for text in texts], **fields)


async def test_each_input_gets_a_vector_of_length_one(server: Running) -> None:
    await requires(server, "embed")
    texts = ["The ship sails", "gold", "naïve 東京 ☂ on the map"]
    response = await server.stub.Embed(embed_request(*texts))
    assert (response.model, bool(response.request_id)) == ("tiny", True)
    vectors = [list(each.values) for each in response.embeddings]
    assert len({len(vector) for vector in vectors}) == 1
    assert len({tuple(vector) for vector in vectors}) == 3
    for vector in vectors:
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
    assert response.usage.prompt_tokens > 3
    alone = await server.stub.Embed(embed_request(texts[1]))
    assert list(alone.embeddings[0].values) == pytest.approx(vectors[1], abs=1e-5)


async def test_fewer_dimensions_are_the_first_ones_scaled_again(server: Running) -> None:
    await requires(server, "embed")
    whole = list((await server.stub.Embed(embed_request("gold"))).embeddings[0].values)
    response = await server.stub.Embed(embed_request("gold", dimensions=7))
    length = math.hypot(*whole[:7])
    expected = [number / length for number in whole[:7]]
    assert list(response.embeddings[0].values) == pytest.approx(expected, abs=1e-5)


async def test_input_longer_than_the_context_is_cut_if_asked(server: Running) -> None:
    await requires(server, "embed")
    request = embed_request("gold", "ship gold " * 3000, truncate=True)
    response = await server.stub.Embed(request)
    assert len(response.embeddings) == 2
    assert 2048 < response.usage.prompt_tokens < 2048 + 10


async def test_adapter_changes_the_vectors(server: Running) -> None:
    await requires(server, "embed")
    base, pirate = [
        (await server.stub.Embed(embed_request("The ship sails", model=model))).embeddings[0]
        for model in ("", "pirate")
    ]
    assert list(base.values) != pytest.approx(list(pirate.values), abs=1e-3)


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        (pb.EmbedRequest(), "INVALID_ARGUMENT", "inputs"),
        (embed_request(*["gold"] * 2049), "INVALID_ARGUMENT", "inputs"),
        (embed_request("gold", ""), "INVALID_ARGUMENT", "inputs[1].text"),
        (pb.EmbedRequest(inputs=[pb.EmbedInput()]), "INVALID_ARGUMENT", "inputs[0]"),
        (
            pb.EmbedRequest(inputs=[pb.EmbedInput(token_ids=pb.TokenIds())]),
            "INVALID_ARGUMENT",
            "inputs[0].token_ids.ids",
        ),
        (embed_request("gold", dimensions=0), "INVALID_ARGUMENT", "dimensions"),
        (embed_request("gold", dimensions=65), "INVALID_ARGUMENT", "dimensions"),
        (embed_request("gold", model="nobody"), "NOT_FOUND", ""),
    ],
    ids="none many empty unset no-tokens zero wide model".split(),
)
async def test_what_cannot_be_embedded_is_named(
    server: Running, request_: pb.EmbedRequest, code: str, field: str
) -> None:
    await requires(server, "embed")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Embed(request_)
    assert caught.value.code().name == code
    violation = from_error(caught.value)
    assert (violation.field if violation else "") == field


async def test_engine_without_embeddings_says_so(server: Running) -> None:
    model = (await server.stub.GetModel(pb.GetModelRequest())).model
    if "embed" in model.features:
        assert (await server.stub.Embed(embed_request("gold"))).embeddings
        return
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Embed(embed_request("gold"))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert f"{model.engine}, embeds no texts" in (caught.value.details() or "")


async def test_adapters_are_selected_by_name(server: Running) -> None:
    texts = {}
    for model in ("", "tiny", "pirate", "poet"):
        answer = await server.stub.Generate(generate_request(model=model))
        assert answer.model == (model or "tiny")
        texts[model] = answer.choices[0].text
    assert texts[""] == texts["tiny"]
    assert len(set(texts.values())) == 3


async def test_adapters_share_a_batch(server: Running) -> None:
    names = ["tiny", "pirate", "poet"]
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


async def test_model_is_described(server: Running) -> None:
    model = (await server.stub.GetModel(pb.GetModelRequest())).model
    assert (model.name, model.default_model, model.max_length) == ("tiny", "tiny", 2048)
    assert model.has_chat_template
    # A server in another container does not tell.
    assert model.architecture.endswith("ForCausalLM") or not applies_strengths(server)
    assert model.loaded_unix_seconds > 1_700_000_000


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
