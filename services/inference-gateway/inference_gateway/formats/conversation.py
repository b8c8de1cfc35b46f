"""A conversation of OpenAI's API as the contract has it: messages, tools and template. Pure."""

from collections.abc import Collection, Iterable, Sequence

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.openai_chat_schema import ChatCompletionMessage, TemplateFields
from inference_gateway.formats.openai_request import reject_unsupported, set_extras, unsupported
from inference_gateway.formats.openai_response import to_json
from inference_gateway.formats.openai_tools_schema import ToolDefinition
from inference_gateway.formats.roles import template_role
from kaito.inference.v1 import inference_pb2 as pb

# Parts of messages that change nothing for most templates: clients send them to every model, so
# one that does not know them answers without, and the response says so.
_OPTIONAL_PARTS = {"name": "name", "reasoning_content": "reasoning"}
REASONING_EFFORT = "reasoning_effort"


def to_contract(message: ChatCompletionMessage, features: Collection[str]) -> pb.ChatMessage:
    """The message as the contract has it, without the optional parts that the model ignores."""
    found = pb.ChatMessage(
        role=template_role(message.role), content=message.text, tool_call_id=message.tool_call_id
    )
    for call in message.tool_calls or ():
        function = call.function
        found.tool_calls.add(id=call.id, name=function.name, arguments=function.arguments)
    for sent, field in _OPTIONAL_PARTS.items():
        if (value := getattr(message, sent)) and f"chat.messages.{field}" in features:
            setattr(found, field, value)
    return found


def to_chat(
    messages: Sequence[ChatCompletionMessage],
    fields: TemplateFields,
    tools: Iterable[ToolDefinition],
    features: Collection[str],
) -> pb.Chat:
    """The conversation with those of its tools that the model sees, without a choice of them."""
    chat = pb.Chat(messages=[to_contract(message, features) for message in messages])
    for tool in tools:
        function = tool.function
        chat.tools.add(
            name=function.name,
            description=function.description,
            parameters=to_json(function.parameters) if function.parameters else "",
            strict=bool(function.strict),
        )
    if fields.continue_final_message:
        chat.continue_final_message = True
    if fields.chat_template_kwargs:
        chat.template_arguments = to_json(fields.chat_template_kwargs)
    return chat


def takes_reasoning_effort(features: Collection[str]) -> bool:
    """Whether the model's chat template has the variable."""
    return f"chat.template_arguments.{REASONING_EFFORT}" in features


def ignored_parts(
    messages: Sequence[ChatCompletionMessage], features: Collection[str]
) -> list[str]:
    """The parts of messages without effect, each once: names are usually in every message."""
    names: dict[str, None] = {}
    for message in messages:
        names |= dict.fromkeys(
            sent
            for sent, field in _OPTIONAL_PARTS.items()
            if getattr(message, sent) and f"chat.messages.{field}" not in features
        )
        names |= dict.fromkeys(set_extras(message))
    return [f"messages.{name}" for name in names]


def check_template_fields(
    messages: Sequence[ChatCompletionMessage], fields: TemplateFields
) -> None:
    """Checks what the contract cannot say.

    Raises:
        RequestRejected: 400, naming the field.
    """
    continues = fields.continue_final_message
    if continues and fields.add_generation_prompt:
        message = (
            "add_generation_prompt: true starts a new message and continue_final_message goes on "
            "with the last one; send one of them"
        )
        raise RequestRejected(
            Problem(
                status=400, message=message, param="add_generation_prompt", code="invalid_value"
            )
        )
    reject_unsupported(
        add_generation_prompt=fields.add_generation_prompt is False and not continues,
        chat_template=fields.chat_template is not None,
    )
    for index, each in enumerate(messages):
        if each.function_call:
            raise RequestRejected(unsupported(f"messages.{index}.function_call"))


def tool_field_name(field: str, positions: Sequence[int]) -> str | None:
    """The client's name of a field of a tool: tools.0.function.parameters. None for others.

    `positions` are those that the contract's tools have in the client's list.
    """
    prefix = "chat.tools"
    if field == prefix:
        return "tools"
    if not field.startswith(f"{prefix}["):
        return None
    index, _, rest = field.removeprefix(f"{prefix}[").partition("]")
    position = positions[int(index)] if index.isdecimal() and int(index) < len(positions) else index
    part = rest.removeprefix(".")
    return f"tools.{position}.function.{part}" if part else f"tools.{position}"
