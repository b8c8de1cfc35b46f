"""What the contract demands of a conversation and of structured output."""

from typing import Any

import pytest

from kaito.inference.v1 import inference_pb2 as pb
from model_server.contract.request_messages import parse_prompt, parse_structured_output
from model_server.errors import InvalidRequest

USER = pb.ChatMessage(role="user", content="hi")
CALL = pb.ToolCall(id="a", name="now", arguments="{}")
NOW = pb.Tool(name="now")


def chat(*messages: pb.ChatMessage, **fields: Any) -> pb.GenerateRequest:
    return pb.GenerateRequest(chat=pb.Chat(messages=messages or [USER], **fields))


@pytest.mark.parametrize(
    ("request_", "field", "problem"),
    [
        (chat(pb.ChatMessage(content="hi")), "chat.messages[0].role", "set system, user"),
        (
            chat(USER, pb.ChatMessage(role="user", tool_calls=[CALL])),
            "chat.messages[1].tool_calls",
            "only the assistant",
        ),
        (
            chat(USER, pb.ChatMessage(role="assistant", tool_calls=[pb.ToolCall(id="a")])),
            "chat.messages[1].tool_calls[0].name",
            "empty",
        ),
        (chat(tools=[pb.Tool()]), "chat.tools[0].name", "letters"),
        (chat(tools=[pb.Tool(name="get weather")]), "chat.tools[0].name", "letters"),
        (chat(tools=[pb.Tool(name="x" * 65)]), "chat.tools[0].name", "64"),
        (chat(tools=[NOW, NOW]), "chat.tools[1].name", "earlier tool"),
        (
            chat(tools=[pb.Tool(name=f"t{index}") for index in range(129)]),
            "chat.tools",
            "at most 128",
        ),
        (chat(tools=[pb.Tool(name="f", parameters="[]")]), "chat.tools[0].parameters", "object"),
        (
            chat(tools=[pb.Tool(name="f", parameters='{"not":' * 900 + "{}" + "}" * 900)]),
            "chat.tools[0].parameters",
            "100 levels deep",
        ),
        (
            chat(tool_choice=pb.ToolChoice(mode=pb.ToolChoice.MODE_REQUIRED)),
            "chat.tool_choice.mode",
            "no chat.tools",
        ),
        (
            chat(tools=[NOW], tool_choice=pb.ToolChoice(name="later")),
            "chat.tool_choice.name",
            "none of chat.tools: now",
        ),
        (chat(USER, continue_final_message=True), "chat.continue_final_message", "assistant"),
        (
            chat(
                USER,
                pb.ChatMessage(role="assistant", tool_calls=[CALL]),
                continue_final_message=True,
            ),
            "chat.continue_final_message",
            "text of the assistant",
        ),
    ],
)
def test_a_field_that_does_not_fit_is_named(
    request_: pb.GenerateRequest, field: str, problem: str
) -> None:
    with pytest.raises(InvalidRequest, match=problem) as error:
        parse_prompt(request_)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("output", "field"),
    [
        (pb.StructuredOutput(json_object=False), "structured_output.json_object"),
        (pb.StructuredOutput(json_schema=""), "structured_output.json_schema"),
        (pb.StructuredOutput(regex=""), "structured_output.regex"),
        (pb.StructuredOutput(grammar=""), "structured_output.grammar"),
        (pb.StructuredOutput(choice=pb.Texts()), "structured_output.choice"),
        (pb.StructuredOutput(choice=pb.Texts(texts=["a", ""])), "structured_output.choice"),
    ],
)
def test_structured_output_that_says_nothing_is_rejected(
    output: pb.StructuredOutput, field: str
) -> None:
    with pytest.raises(InvalidRequest) as error:
        parse_structured_output(output)
    assert error.value.field == field
