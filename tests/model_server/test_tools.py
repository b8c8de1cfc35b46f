"""Tools on the real engine, through the contract. The model has random weights: that its calls are
valid shows that they cannot be anything else."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito_grpc.field_violations import from_error
from tests.model_server.conftest import Running, Setup, running, stream, transformers_engine
from tests.model_server.tool_model import make_tool_model

WEATHER = pb.Tool(
    name="weather",
    description="Tells the weather.",
    parameters=json.dumps(
        {
            "type": "object",
            "properties": {
                "city": {"enum": ["Paris", "東京", 'the "sea"']},
                "unit": {"type": "string", "enum": ["C", "F"]},
            },
            "required": ["city"],
        }
    ),
)
NOW = pb.Tool(name="now")
REQUIRED, NONE = pb.ToolChoice.MODE_REQUIRED, pb.ToolChoice.MODE_NONE


@pytest.fixture(scope="session")
def tool_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tool_model(tmp_path_factory.mktemp("tool-model"))


@pytest.fixture
async def server(tool_model: Path, adapters_folder: Path) -> AsyncIterator[Running]:
    engine = transformers_engine(tool_model)
    async with running(engine, Setup(adapters=adapters_folder)) as started:
        yield started


def chat(
    *messages: pb.ChatMessage,
    tools: list[pb.Tool] | None = None,
    choice: pb.ToolChoice | None = None,
    **options: Any,
) -> pb.GenerateRequest:
    given = {"max_new_tokens": 400, "do_sample": True, "seed": 3, **options}
    return pb.GenerateRequest(
        chat=pb.Chat(
            messages=messages or [pb.ChatMessage(role="user", content="The weather?")],
            tools=tools if tools is not None else [WEATHER, NOW],
            tool_choice=choice,
        ),
        options=pb.GenerationOptions(**given),
    )


async def prompt_tokens(server: Running, request: pb.GenerateRequest) -> str:
    answer = await server.stub.Tokenize(pb.TokenizeRequest(chat=request.chat))
    return str(
        (await server.stub.Detokenize(pb.DetokenizeRequest(token_ids=answer.token_ids))).text
    )


async def rejection(server: Running, request: pb.GenerateRequest) -> tuple[str, str]:
    """The field and the message of INVALID_ARGUMENT."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await server.stub.Generate(request)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    violation = from_error(error.value)
    assert violation
    return violation.field, str(error.value.details())


@pytest.mark.parametrize("seed", range(6))
async def test_a_required_call_has_a_tools_name_and_arguments(server: Running, seed: int) -> None:
    choice = pb.ToolChoice(mode=REQUIRED, single_call=True)
    answer = (await server.stub.Generate(chat(choice=choice, seed=seed))).choices[0]
    assert answer.finish_reason == pb.FINISH_REASON_TOOL_CALLS
    assert answer.text == ""
    [call] = answer.tool_calls
    assert call.id
    arguments = json.loads(call.arguments)
    if call.name == "now":
        assert arguments == {}
    else:
        assert call.name == "weather"
        assert arguments.pop("city") in ("Paris", "東京", 'the "sea"')
        assert arguments in ({}, {"unit": "C"}, {"unit": "F"})


async def test_the_named_tool_is_called(server: Running) -> None:
    choice = pb.ToolChoice(mode=REQUIRED, name="weather", single_call=True)
    for seed in range(4):
        answer = await server.stub.Generate(chat(choice=choice, seed=seed))
        assert [call.name for call in answer.choices[0].tool_calls] == ["weather"]


async def test_several_calls_have_ids_of_their_own(server: Running) -> None:
    choice = pb.ToolChoice(mode=REQUIRED)
    request = chat(choice=choice, tools=[NOW], num_return_sequences=8, temperature=3.0)
    answer = await server.stub.Generate(request)
    calls = max((choice.tool_calls for choice in answer.choices), key=len)
    assert len(calls) > 1
    assert len({call.id for call in calls}) == len(calls)
    assert all(call.name == "now" and json.loads(call.arguments) == {} for call in calls)


async def test_a_call_streams_its_name_first_and_its_arguments_in_parts(server: Running) -> None:
    request = chat(choice=pb.ToolChoice(mode=REQUIRED, name="weather", single_call=True))
    whole = (await server.stub.Generate(request)).choices[0]
    deltas = await stream(server, request)
    parts = [part for delta in deltas for part in delta.tool_calls]
    assert (parts[0].name, bool(parts[0].id), parts[0].index) == ("weather", True, 0)
    assert not any(part.name or part.id for part in parts[1:])
    assert len(parts) > 2
    assert "".join(part.arguments for part in parts) == whole.tool_calls[0].arguments
    assert "".join(delta.text for delta in deltas) == ""
    assert deltas[-1].finish_reason == pb.FINISH_REASON_TOOL_CALLS


async def test_no_tool_is_offered_or_called_without_a_choice(server: Running) -> None:
    request = chat(choice=pb.ToolChoice(mode=NONE))
    assert '"weather"' not in await prompt_tokens(server, request)
    assert not (await server.stub.Generate(request)).choices[0].tool_calls
    assert '"weather"' in await prompt_tokens(server, chat())
    only_now = chat(choice=pb.ToolChoice(name="now"))
    assert '"weather"' not in await prompt_tokens(server, only_now)


async def test_a_call_and_its_result_are_rendered_as_the_template_expects(server: Running) -> None:
    call = pb.ToolCall(id="a1", name="weather", arguments='{"city":"東京"}')
    request = chat(
        pb.ChatMessage(role="user", content="Weather?"),
        pb.ChatMessage(role="assistant", tool_calls=[call], reasoning="Look."),
        pb.ChatMessage(role="tool", content="rain", tool_call_id="a1", name="weather"),
        tools=[],
    )
    assert await prompt_tokens(server, request) == (
        "<|user|>Weather?<|end|><|assistant|><think>Look.</think><tool_call>\n"
        '{"name": "weather", "arguments": {"city": "東京"}}\n</tool_call><|end|>'
        "<|tool|>rain<|end|><|assistant|>"
    )


async def test_template_arguments_and_a_begun_answer_reach_the_template(server: Running) -> None:
    request = chat(tools=[])
    request.chat.template_arguments = '{"thinks": true}'
    assert (await prompt_tokens(server, request)).endswith("<|assistant|><think>")
    request = chat(
        pb.ChatMessage(role="user", content="Sing."),
        pb.ChatMessage(role="assistant", content="La la"),
        tools=[],
    )
    request.chat.continue_final_message = True
    assert await prompt_tokens(server, request) == "<|user|>Sing.<|end|><|assistant|>La la"


async def test_tokens_that_run_out_within_a_call_end_it_by_length(server: Running) -> None:
    choice = pb.ToolChoice(mode=REQUIRED, name="weather")
    answer = await server.stub.Generate(chat(choice=choice, max_new_tokens=45))
    assert answer.choices[0].finish_reason == pb.FINISH_REASON_LENGTH


@pytest.mark.parametrize(
    ("request_", "field", "text"),
    [
        (
            chat(
                tools=[pb.Tool(name="f", parameters='{"patternProperties": 7}', strict=True)],
            ),
            "chat.tools[0].parameters",
            "patternProperties",
        ),
        (
            chat(choice=pb.ToolChoice(mode=REQUIRED), num_beams=2),
            "options.num_beams",
            "set it to 1",
        ),
        (
            chat(
                pb.ChatMessage(role="user", content="a"),
                pb.ChatMessage(role="assistant", tool_calls=[pb.ToolCall(name="f", arguments="[")]),
            ),
            "chat.messages[1].tool_calls[0].arguments",
            "not a JSON object",
        ),
        (
            pb.GenerateRequest(
                chat=pb.Chat(
                    messages=[pb.ChatMessage(role="user", content="a")],
                    template_arguments='{"chat_template": "{{ 1 }}"}',
                )
            ),
            "chat.template_arguments",
            "chat_template",
        ),
    ],
    ids="schema beams arguments template".split(),
)
async def test_what_cannot_be_honored_is_named(
    server: Running, request_: pb.GenerateRequest, field: str, text: str
) -> None:
    assert (await rejection(server, request_))[0] == field
    assert text in (await rejection(server, request_))[1]


async def test_a_template_without_tools_rejects_them_by_name(
    model_folder: Path, adapters_folder: Path
) -> None:
    engine = transformers_engine(model_folder)
    async with running(engine, Setup(adapters=adapters_folder)) as started:
        model = (await started.stub.GetModel(pb.GetModelRequest())).model
        assert "chat.tools" not in model.features
        assert "structured_output" in model.features
        assert (await rejection(started, chat()))[0] == "chat.tools"
