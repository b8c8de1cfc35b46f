"""What every engine must answer."""

import asyncio
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito_grpc.field_violations import from_error
from tests.model_server.conftest import (
    Running,
    applies_strengths,
    generate_request,
    is_text_generation_server,
    requires_minimum,
    stream,
)
from tests.waiting import until


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
    request = generate_request(max_new_tokens=400, do_sample=True, seed=11, temperature=2.0)
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
    request = generate_request(min_new_tokens=0 if is_text_generation_server(server) else 5)
    request.options.ClearField("max_new_tokens")
    request.options.max_length = prompt_tokens + 5
    answer = await server.stub.Generate(request)
    assert answer.usage.completion_tokens == 5
    assert answer.choices[0].finish_reason == pb.FINISH_REASON_LENGTH


async def test_disconnect_stops_the_generation(server: Running) -> None:
    requires_minimum(server)
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
    requires_minimum(server)
    request = generate_request(max_new_tokens=1800, min_new_tokens=1800, num_return_sequences=8)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Generate(request, timeout=0.05)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await until(lambda: server.engine.scheduler_stats().running == 0)


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
    if is_text_generation_server(server):
        assert "".join(tokens.tokens) == "ship"
        with pytest.raises(grpc.aio.AioRpcError, match="gives no text of tokens") as caught:
            await server.stub.Detokenize(pb.DetokenizeRequest(token_ids=tokens.token_ids))
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
        return
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
    if is_text_generation_server(server) and not request_.model:
        code, field = "UNIMPLEMENTED", ""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Detokenize(request_)
    assert caught.value.code().name == code
    violation = from_error(caught.value)
    # An engine in another container names the field, and may not know which of them.
    assert (violation.field if violation else "") in (field, field.partition("[")[0])


async def test_model_is_described(server: Running) -> None:
    model = (await server.stub.GetModel(pb.GetModelRequest())).model
    assert (model.name, model.default_model, model.max_length) == ("tiny", "tiny", 2048)
    assert model.has_chat_template
    # A server in another container does not tell.
    assert model.architecture.endswith("ForCausalLM") or not applies_strengths(server)
    assert model.loaded_unix_seconds > 1_700_000_000
