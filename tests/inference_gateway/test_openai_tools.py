"""Tools of chat completions: their way to the model-server, and the calls' way back."""

import json
from typing import Any

import aiohttp
import pytest

from inference_gateway.backends.fake import FakeBackend
from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.openai_chat import OpenAiChat
from kaito.inference.v1 import inference_pb2 as pb

CHAT = "/v1/chat/completions"
USER = {"role": "user", "content": "Weather?"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Bern"}'},
}
Mode = pb.ToolChoice.Mode


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


TOOLS = [tool("weather", description="Tells it.", parameters=CITY, strict=True), tool("now")]


def request(generation: GenerationContext, **fields: Any) -> pb.GenerateRequest:
    body = {"messages": [USER], "tools": TOOLS} | fields
    (found,) = OpenAiChat().parse(json.dumps(body).encode()).requests(generation)
    return found


def rejection(**fields: Any) -> Problem:
    with pytest.raises(RequestRejected) as caught:
        OpenAiChat().parse(json.dumps({"messages": [USER]} | fields).encode())
    return caught.value.problem


def test_tools_reach_the_model_server(generation: GenerationContext) -> None:
    weather, now = request(generation).chat.tools
    assert (weather.name, weather.description, weather.strict) == ("weather", "Tells it.", True)
    assert json.loads(weather.parameters) == CITY
    assert now == pb.Tool(name="now")


@pytest.mark.parametrize(
    ("fields", "choice", "offered"),
    [
        ({}, None, ["weather", "now"]),
        ({"tool_choice": "auto"}, {"mode": Mode.MODE_AUTO}, ["weather", "now"]),
        ({"tool_choice": "none"}, {"mode": Mode.MODE_NONE}, ["weather", "now"]),
        ({"tool_choice": "required"}, {"mode": Mode.MODE_REQUIRED}, ["weather", "now"]),
        (
            {"tool_choice": {"type": "function", "function": {"name": "now"}}},
            {"mode": Mode.MODE_REQUIRED, "name": "now"},
            ["weather", "now"],
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "required", "tools": [tool("now")]},
                }
            },
            {"mode": Mode.MODE_REQUIRED},
            ["now"],
        ),
        ({"parallel_tool_calls": True}, None, ["weather", "now"]),
        ({"parallel_tool_calls": False}, {"single_call": True}, ["weather", "now"]),
    ],
    ids="default auto none required named allowed parallel single".split(),
)
def test_choice(
    generation: GenerationContext, fields: Any, choice: Any, offered: list[str]
) -> None:
    chat = request(generation, **fields).chat
    assert chat.HasField("tool_choice") == (choice is not None)
    assert chat.tool_choice == pb.ToolChoice(**choice or {})
    assert [each.name for each in chat.tools] == offered


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "maybe", "tools": TOOLS}, "tool_choice"),
        (
            {"tool_choice": {"type": "function", "function": {"name": "x"}}, "tools": TOOLS},
            "tool_choice.function.name",
        ),
        ({"tool_choice": {"type": "custom"}, "tools": TOOLS}, "tool_choice"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools.0.type"),
        ({"tools": [tool("a"), {"type": "function", "function": {}}]}, "tools.1.function.name"),
        ({"tools": [tool("a", parameters="{}")]}, "tools.0.function.parameters"),
        ({"tools": [tool("a")] * 129}, "tools"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_wrong_is_rejected_by_name(fields: dict[str, Any], param: str) -> None:
    problem = rejection(**fields)
    assert (problem.status, problem.param) == (400, param)


def test_the_conversation_with_a_call_and_its_result(generation: GenerationContext) -> None:
    messages = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL], "reasoning_content": "Hm."},
        {"role": "tool", "tool_call_id": "call_1", "content": "sun", "name": "weather"},
    ]
    sent = list(request(generation, messages=messages).chat.messages)
    call = pb.ToolCall(id="call_1", name="weather", arguments='{"city":"Bern"}')
    assert sent[1:] == [
        pb.ChatMessage(role="assistant", tool_calls=[call], reasoning="Hm."),
        pb.ChatMessage(role="tool", content="sun", tool_call_id="call_1", name="weather"),
    ]


def test_a_name_that_the_template_ignores_is_left_out(generation: GenerationContext) -> None:
    del generation.model.features[:]
    (message,) = request(generation, messages=[USER | {"name": "ann"}]).chat.messages
    assert message == pb.ChatMessage(role="user", content="Weather?")


def test_template_variables(generation: GenerationContext) -> None:
    fields = {"reasoning_effort": "low", "chat_template_kwargs": {"enable_thinking": False}}
    sent = request(generation, continue_final_message=True, **fields).chat
    assert json.loads(sent.template_arguments) == {
        "reasoning_effort": "low",
        "enable_thinking": False,
    }
    assert sent.continue_final_message
    generation.model.features.remove("chat.template_arguments.reasoning_effort")
    assert request(generation, reasoning_effort="low").chat.template_arguments == ""


def test_a_message_is_continued_or_followed() -> None:
    problem = rejection(continue_final_message=True, add_generation_prompt=True)
    assert problem.param == "add_generation_prompt"
    assert "continue_final_message" in problem.message


async def test_calls_of_a_whole_answer(client: aiohttp.ClientSession, script: FakeBackend) -> None:
    script.deltas, script.finish = (), pb.FINISH_REASON_TOOL_CALLS
    script.tool_calls = (pb.ToolCall(id="call_1", name="weather", arguments='{"city":"Bern"}'),)
    response = await client.post(CHAT, json={"messages": [USER], "tools": TOOLS})
    (choice,) = (await response.json())["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "tool_calls": [CALL],
    }


async def test_calls_of_a_stream(client: aiohttp.ClientSession, script: FakeBackend) -> None:
    script.deltas, script.finish = ("So:",), pb.FINISH_REASON_TOOL_CALLS
    script.reasoning = "Hm."
    script.tool_calls = (
        pb.ToolCall(id="a", name="weather", arguments='{"city":"Bern"}'),
        pb.ToolCall(id="b", name="now", arguments="{}"),
    )
    body = {"messages": [USER], "tools": TOOLS, "stream": True}
    text = await (await client.post(CHAT, json=body)).text()
    chunks = [json.loads(each.removeprefix("data: ")) for each in text.split("\n\n")[:-2]]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]

    def called(index: int, arguments: str, **head: Any) -> dict[str, Any]:
        name = {"name": head.pop("name")} if head else {}
        call = {"index": index, **head, "function": {**name, "arguments": arguments}}
        return {"tool_calls": [call]}

    assert deltas == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm."},
        {"content": "So:"},
        called(0, "", id="a", type="function", name="weather"),
        called(0, '{"city"'),
        called(0, ':"Bern"}'),
        called(1, "", id="b", type="function", name="now"),
        called(1, "{"),
        called(1, "}"),
        {},
    ]
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_stream_that_begins_with_a_call_has_no_text(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.deltas, script.finish = (), pb.FINISH_REASON_TOOL_CALLS
    script.tool_calls = (pb.ToolCall(id="a", name="now", arguments="{}"),)
    body = {"messages": [USER], "tools": TOOLS, "stream": True}
    text = await (await client.post(CHAT, json=body)).text()
    first = json.loads(text.split("\n\n")[0].removeprefix("data: "))
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
