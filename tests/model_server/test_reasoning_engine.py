"""A model that thinks, on the real engine, through the contract."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from kaito.inference.v1 import inference_pb2 as pb
from tests.model_server.conftest import Running, Setup, running, stream, transformers_engine
from tests.model_server.tool_model import make_tool_model

THINKS = json.dumps({"thinks": True})


@pytest.fixture(scope="session")
def thinking_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("thinking-model")
    return make_tool_model(folder, tokens=("<think>", "</think>"))


@pytest.fixture(scope="session")
def ids(thinking_model: Path) -> tuple[int, int]:
    """The tokens before and after what the model thinks."""
    tokenizer = AutoTokenizer.from_pretrained(thinking_model)
    opened, closed = tokenizer.convert_tokens_to_ids(["<think>", "</think>"])
    return int(opened), int(closed)


@pytest.fixture
async def server(thinking_model: Path, adapters_folder: Path) -> AsyncIterator[Running]:
    engine = transformers_engine(thinking_model)
    async with running(engine, Setup(adapters=adapters_folder)) as started:
        yield started


def request(arguments: str = "", bias: Any = None, **output: Any) -> pb.GenerateRequest:
    message = pb.GenerateRequest(
        chat=pb.Chat(
            messages=[pb.ChatMessage(role="user", content="Aye?")], template_arguments=arguments
        ),
        options=pb.GenerationOptions(
            max_new_tokens=200, do_sample=True, seed=5, logit_bias=bias or {}
        ),
    )
    if output:
        message.structured_output.CopyFrom(pb.StructuredOutput(**output))
    return message


AYE = {"choice": pb.Texts(texts=["aye"])}


async def test_the_answer_is_constrained_and_the_reasoning_is_not(
    server: Running, ids: tuple[int, int]
) -> None:
    message = request(THINKS, {ids[1]: 4.0}, **AYE)
    whole = await server.stub.Generate(message)
    choice = whole.choices[0]
    assert (choice.text, choice.finish_reason) == ("aye", pb.FINISH_REASON_STOP)
    assert choice.reasoning
    assert "think>" not in choice.reasoning
    # The rest are tokens of the answer, and the end of it.
    answered = whole.usage.completion_tokens - whole.usage.reasoning_tokens
    assert 0 < answered <= len("aye") + 1
    deltas = await stream(server, message)
    assert "".join(delta.reasoning for delta in deltas) == choice.reasoning
    assert "".join(delta.text for delta in deltas) == "aye"
    assert deltas[-1].usage == whole.usage


async def test_a_model_may_think_before_a_constrained_answer(
    server: Running, ids: tuple[int, int]
) -> None:
    # The model opens the reasoning itself.
    message = request("", {ids[0]: 50.0, ids[1]: 55.0}, **AYE)
    whole = await server.stub.Generate(message)
    assert whole.choices[0].text == "aye"
    assert whole.usage.reasoning_tokens == 2
    # Without it the answer begins at once.
    whole = await server.stub.Generate(request("", {ids[0]: -100.0}, **AYE))
    assert (whole.choices[0].text, whole.usage.reasoning_tokens) == ("aye", 0)


async def test_tokens_that_run_out_within_the_reasoning_leave_no_answer(
    server: Running, ids: tuple[int, int]
) -> None:
    for output in ({}, AYE):
        message = request(THINKS, {ids[1]: -100.0, 0: -100.0}, **output)
        whole = await server.stub.Generate(message)
        choice = whole.choices[0]
        assert (choice.text, choice.finish_reason) == ("", pb.FINISH_REASON_LENGTH)
        assert choice.reasoning
        assert whole.usage.reasoning_tokens == whole.usage.completion_tokens == 200


async def test_a_plain_prompt_is_answered_with_plain_text(
    server: Running, ids: tuple[int, int]
) -> None:
    message = request("", {ids[0]: 50.0, ids[1]: 55.0})
    message.prompt = "Aye?"
    whole = await server.stub.Generate(message)
    assert "</think>" in whole.choices[0].text
    assert whole.usage.reasoning_tokens == 0
