"""OpenAI's Responses API without state: requests, whole answers, events, refusals."""

import json
from typing import Any

import aiohttp
import grpc
import pytest

from inference_gateway.backends.backend import BackendError
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.responses.request import OpenAiResponses
from kaito.inference.v1 import inference_pb2 as pb
from tests.inference_gateway.running import gateway

PATH = "/v1/responses"
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "sun"}


def request(generation: GenerationContext, **fields: Any) -> pb.GenerateRequest:
    body = {"input": "Hi"} | fields
    (found,) = OpenAiResponses().parse(json.dumps(body).encode()).requests(generation)
    return found


async def events(client: aiohttp.ClientSession, **fields: Any) -> list[Any]:
    response = await client.post(PATH, json={"input": "Hi", "stream": True} | fields)
    assert response.status == 200, await response.text()
    blocks = (await response.text()).split("\n\n")[:-1]
    found = []
    for number, block in enumerate(blocks):
        name, data = block.split("\n")
        event = json.loads(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        assert event["sequence_number"] == number
        found.append(event)
    return found


def test_a_text_and_instructions(generation: GenerationContext) -> None:
    found = request(generation, instructions="Be brief.", max_output_tokens=5, temperature=0)
    assert list(found.chat.messages) == [
        pb.ChatMessage(role="system", content="Be brief."),
        pb.ChatMessage(role="user", content="Hi"),
    ]
    assert found.options == pb.GenerationOptions(max_new_tokens=5, do_sample=False)


def test_the_items_of_a_conversation(generation: GenerationContext) -> None:
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "Weather?"}]},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [],
            "content": [{"type": "reasoning_text", "text": "Hm."}],
        },
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "I look.", "annotations": []}],
        },
        CALL,
        RESULT,
    ]
    call = pb.ToolCall(id="c1", name="weather", arguments="{}")
    assert list(request(generation, input=items).chat.messages) == [
        pb.ChatMessage(role="user", content="Weather?"),
        pb.ChatMessage(role="assistant", content="I look.", tool_calls=[call], reasoning="Hm."),
        pb.ChatMessage(role="tool", content="sun", tool_call_id="c1"),
    ]


def test_tools_are_strict_unless_the_client_says_otherwise(generation: GenerationContext) -> None:
    tools = [WEATHER, WEATHER | {"name": "b", "strict": False}]
    choice = {"type": "function", "name": "b"}
    chat = request(generation, tools=tools, tool_choice=choice, parallel_tool_calls=False).chat
    assert [(tool.name, tool.strict) for tool in chat.tools] == [("weather", True), ("b", False)]
    assert (chat.tool_choice.name, chat.tool_choice.single_call) == ("b", True)


async def test_a_whole_answer(client: aiohttp.ClientSession) -> None:
    body = {"input": "Hi", "metadata": {"a": "b"}, "include": ["message.output_text.logprobs"]}
    headers = {"x-request-id": "r1"}
    response = await (await client.post(PATH, json=body, headers=headers)).json()
    assert (response["id"], response["object"], response["status"]) == (
        "resp_r1",
        "response",
        "completed",
    )
    (item,) = response["output"]
    assert (item["type"], item["role"], item["id"]) == ("message", "assistant", "msg_r1_0")
    (part,) = item["content"]
    assert (part["type"], part["text"]) == ("output_text", "Hello, world")
    assert [each["token"] for each in part["logprobs"]] == ["Hello", ", ", "world"]
    assert response["usage"] == {
        "input_tokens": 7,
        "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 10,
    }
    assert (response["metadata"], response["store"]) == ({"a": "b"}, False)


async def test_an_answer_with_calls_and_one_that_was_cut(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.finish = pb.FINISH_REASON_LENGTH
    response = await (await client.post(PATH, json={"input": "Hi"})).json()
    assert response["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    script.finish, script.deltas, script.reasoning = pb.FINISH_REASON_TOOL_CALLS, (), "Hm."
    script.tool_calls = (pb.ToolCall(id="c1", name="weather", arguments="{}"),)
    response = await (await client.post(PATH, json={"input": "Hi", "tools": [WEATHER]})).json()
    reasoning, call = response["output"]
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "Hm."}]
    assert {name: call[name] for name in CALL} == CALL
    assert response["tools"] == [WEATHER | {"description": None, "strict": True}]


async def test_the_item_that_is_cut_is_incomplete(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.finish, script.deltas = pb.FINISH_REASON_LENGTH, ()
    script.tool_calls = (pb.ToolCall(id="c1", name="weather", arguments='{"city": "Pa'),)
    response = await (await client.post(PATH, json={"input": "Hi", "tools": [WEATHER]})).json()
    (call,) = response["output"]
    assert (call["arguments"], call["status"]) == ('{"city": "Pa', "incomplete")
    last = (await events(client, tools=[WEATHER]))[-1]["response"]
    assert [each["status"] for each in (last, *last["output"])] == ["incomplete", "incomplete"]


async def test_events_of_a_text(client: aiohttp.ClientSession) -> None:
    found = await events(client)
    assert [each["type"].removeprefix("response.") for each in found] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * 3,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert "".join(each.get("delta", "") for each in found) == "Hello, world"
    last = found[-1]["response"]
    assert last["output"][0]["content"][0]["text"] == "Hello, world"
    assert last["usage"]["total_tokens"] == 10
    assert found[0]["response"]["usage"] is None


async def test_events_of_calls(client: aiohttp.ClientSession, script: FakeBackend) -> None:
    script.finish, script.deltas = pb.FINISH_REASON_TOOL_CALLS, ()
    script.reasoning = "Hm."
    script.tool_calls = (
        pb.ToolCall(id="c1", name="weather", arguments='{"a":1}'),
        pb.ToolCall(id="c2", name="weather", arguments="{}"),
    )
    found = await events(client, tools=[WEATHER])
    assert [each["type"].removeprefix("response.") for each in found[2:]] == [
        "output_item.added",
        "reasoning_text.delta",
        "reasoning_text.done",
        "output_item.done",
        *[
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
        ]
        * 2,
        "completed",
    ]
    output = found[-1]["response"]["output"]
    assert [each.get("arguments") for each in output] == [None, '{"a":1}', "{}"]
    done = [each["item"] for each in found if each["type"] == "response.output_item.done"]
    assert done == output
    assert len({each["id"] for each in output}) == 3


async def test_an_answer_without_a_word_is_a_message(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.deltas = ()
    found = await events(client)
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == ""


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": [{"role": "user"}]}, "input.0.content"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input.0"),
        ({"input": [{"type": "computer_call_output"}]}, "input.0"),
        ({"input": [{"type": "reasoning", "summary": []}]}, "input"),
        (
            {"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
            "input.0.content.0.type",
        ),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "c"}, "conversation"),
        ({"background": True}, "background"),
        ({"prompt": {"id": "x"}}, "prompt"),
        ({"truncation": "auto"}, "truncation"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"tools": [WEATHER, {"type": "function"}]}, "tools.1.name"),
        (
            {"tools": [WEATHER], "tool_choice": {"type": "function", "name": "x"}},
            "tool_choice.name",
        ),
        ({"tool_choice": "required"}, "tool_choice"),
    ],
    ids=str,
)
async def test_what_cannot_be_answered_is_rejected_by_name(
    client: aiohttp.ClientSession, fields: dict[str, Any], param: str
) -> None:
    response = await client.post(PATH, json={"input": "Hi"} | fields)
    error = (await response.json())["error"]
    assert (response.status, error["param"]) == (400, param)
    assert param in error["message"]


@pytest.mark.parametrize(
    ("field", "param"),
    [
        ("chat.messages[0].content", "instructions.content"),
        ("chat.messages[1].role", "input.0.role"),
        ("chat.messages[2].tool_calls[0].arguments", "input.1"),
        ("chat.messages[3].tool_call_id", "input.2.call_id"),
        ("chat.tools[0].parameters", "tools.0.parameters"),
        ("chat.tool_choice.name", "tool_choice"),
        ("chat.template_arguments", "reasoning.effort"),
        ("options.max_new_tokens", "max_output_tokens"),
        ("options.temperature", "temperature"),
        ("input", "input"),
        ("model", "model"),
    ],
)
async def test_refusals_of_the_model_server_name_the_clients_field(
    client: aiohttp.ClientSession, script: FakeBackend, field: str, param: str
) -> None:
    code = grpc.StatusCode.INVALID_ARGUMENT
    script.failures.append(BackendError(code, f"{field} = 1: is wrong", field=field))
    body = {
        "instructions": "x",
        "input": [{"role": "user", "content": "x"}, CALL, RESULT],
        "tools": [WEATHER],
        "tool_choice": "auto",
    }
    error = (await (await client.post(PATH, json=body)).json())["error"]
    assert (error["param"], error["message"]) == (param, f"{param} = 1: is wrong")


async def test_what_has_no_effect_is_reported(script: FakeBackend) -> None:
    script.loaded.features.remove("chat.template_arguments.reasoning_effort")
    body = {
        "input": "Hi",
        "store": True,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"verbosity": "low"},
        "user": "ann",
    }
    async with gateway(lambda _: script) as client:
        response = await client.post(PATH, json=body)
    assert response.headers["x-kaito-ignored-parameters"] == (
        "user, store, include, text.verbosity, reasoning.summary, reasoning.effort"
    )


async def test_a_stream_that_breaks_ends_with_an_error(
    client: aiohttp.ClientSession, script: FakeBackend
) -> None:
    script.break_after = 1
    text = await (await client.post(PATH, json={"input": "Hi", "stream": True})).text()
    last = json.loads(text.split("\n\n")[-2].removeprefix("data: "))
    assert last["error"]["message"] == "the engine broke"
