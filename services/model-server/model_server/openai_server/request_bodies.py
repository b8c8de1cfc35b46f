"""A request of the contract as the body of an OpenAI request. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_server.engine import (
    ChatMessage,
    Conversation,
    GenerationRequest,
    StructuredOutput,
    TokenIds,
    Tool,
    ToolChoice,
    ToolMode,
)
from model_server.errors import InvalidRequest
from model_server.openai_server.capabilities import Capabilities
from model_server.options import GenerationOptions

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
# Contract's name, server's name. Those of the first group are OpenAI's, and every server has them.
_OPENAI = {
    "temperature": "temperature",
    "top_p": "top_p",
    "seed": "seed",
    "num_return_sequences": "n",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
# Those of the second are vLLM's, SGLang's and others'.
_EXTENSIONS = {
    "min_new_tokens": "min_tokens",
    "top_k": "top_k",
    "min_p": "min_p",
    "repetition_penalty": "repetition_penalty",
    "ignore_eos": "ignore_eos",
}
# Values of options that change nothing, so that no server has to know them.
_NEUTRAL: Mapping[str, object] = {
    "min_new_tokens": 0,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "typical_p": 1.0,
    "no_repeat_ngram_size": 0,
    "num_beams": 1,
    "ignore_eos": False,
}
# What has no meaning without beam search, or is resolved here.
_SILENT = frozenset(("length_penalty", "early_stopping", "do_sample", "stop", "logit_bias"))
_OWN = frozenset(("max_new_tokens",))


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """The path and the JSON body of a request to the server."""

    path: str
    body: Mapping[str, Any]


def build_request(
    request: GenerationRequest, model: str, capabilities: Capabilities
) -> EngineRequest:
    """The request to the server that serves `model` under that name.

    `options.max_new_tokens` is set.

    Raises:
        InvalidRequest: the server does not know an option.
    """
    prompt = request.prompt
    if isinstance(prompt, Conversation):
        path, fields = CHAT, capabilities.chat_fields
        body = _chat(prompt)
    else:
        path, fields = COMPLETIONS, capabilities.completion_fields
        body = {"prompt": list(prompt.ids) if isinstance(prompt, TokenIds) else prompt}
    body |= {"model": model, "stream": True, "stream_options": {"include_usage": True}}
    body |= _options(request.options, fields)
    if request.structured_output:
        body |= _structured_output(request.structured_output, fields)
    if request.priority:
        body["priority"] = request.priority
    return EngineRequest(path, body)


def _options(options: GenerationOptions, fields: frozenset[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"max_tokens": options.max_new_tokens}
    for name, value in _set_options(options):
        if name in _SILENT or name in _OWN:
            continue
        if (target := _OPENAI.get(name)) or (
            (target := _EXTENSIONS.get(name)) and target in fields
        ):
            body[target] = value
        elif _NEUTRAL.get(name) != value:
            raise InvalidRequest(
                f"options.{name}", value, "is not supported by this model's engine; leave it out"
            )
    # Unset means the model's own default, as it does for the server.
    if options.do_sample is False:
        body["temperature"] = 0
    if options.stop:
        body["stop"] = list(options.stop)
    if options.logit_bias:
        body["logit_bias"] = {str(token): value for token, value in options.logit_bias.items()}
    return body


def _set_options(options: GenerationOptions) -> list[tuple[str, Any]]:
    values = ((name, getattr(options, name)) for name in options.__dataclass_fields__)
    return [(name, value) for name, value in values if value is not None]


def _chat(conversation: Conversation) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": [_message(each) for each in conversation.messages]}
    if conversation.tools:
        body["tools"] = [_tool(tool) for tool in conversation.tools]
        body["tool_choice"] = _tool_choice(conversation.tool_choice)
        if conversation.tool_choice.single_call:
            body["parallel_tool_calls"] = False
    if conversation.template_arguments:
        body["chat_template_kwargs"] = dict(conversation.template_arguments)
    if conversation.continue_final_message:
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    return body


def _message(message: ChatMessage) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        body["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    optional = {
        "tool_call_id": message.tool_call_id,
        "name": message.name,
        "reasoning": message.reasoning,
    }
    return body | {name: value for name, value in optional.items() if value}


def _tool(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> str | dict[str, Any]:
    if choice.name and choice.mode is ToolMode.REQUIRED:
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode.value


def _structured_output(output: StructuredOutput, fields: frozenset[str]) -> dict[str, Any]:
    if output.json_object:
        return {"response_format": {"type": "json_object"}}
    if output.json_schema is not None:
        schema = _parse_schema(output.json_schema)
        answer = {"name": "answer", "schema": schema, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": answer}}
    name, value = next(
        (name, value) for name in ("regex", "grammar", "choice") if (value := getattr(output, name))
    )
    if "structured_outputs" not in fields:
        raise InvalidRequest(
            f"structured_output.{name}",
            value,
            "is not supported by this model's engine; use json_schema",
        )
    return {"structured_outputs": {name: list(value) if name == "choice" else value}}


def _parse_schema(text: str) -> Any:
    try:
        return json.loads(text)
    # Nested too deeply, or an integer of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(
            "structured_output.json_schema", text[:64], f"is not JSON: {error}"
        ) from error
