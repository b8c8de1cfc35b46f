"""Answers of /v1/chat/completions: messages, and the chunks of a stream."""

from dataclasses import dataclass, field
from typing import Any

from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.openai_chat_schema import ChatCompletionRequest
from inference_gateway.formats.openai_response import (
    DONE,
    FINISH_REASON_JSON,
    event,
    json_bytes,
    quote,
    to_json,
    usage_object,
)
from inference_gateway.formats.token_logprobs import chat_logprobs
from kaito.inference.v1 import inference_pb2 as pb


def message_object(choice: pb.Choice) -> dict[str, Any]:
    """The assistant's message."""
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in choice.tool_calls
    ]
    # As OpenAI, without a text where there are only calls.
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.text if choice.text or not calls else None,
        "refusal": None,
    }
    if calls:
        message["tool_calls"] = calls
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    return message


@dataclass(slots=True)
class ChatEventEncoder:
    """Renders chunks of one answer. What all chunks share is rendered once, as text."""

    generation: GenerationContext
    body: ChatCompletionRequest
    _prefix: str = ""
    _suffix: str = ""
    _started: set[int] = field(default_factory=set)

    def encode(self, prompt_index: int, message: pb.StreamGenerateResponse) -> bytes:
        if not self._prefix:
            self._render_frame(message.model)
        data = b""
        if message.index not in self._started:
            self._started.add(message.index)
            data += self._first_chunk(message)
        deltas = _deltas(message)
        extra = self._extra(message)
        if not deltas and (message.logprobs or message.token_ids):
            deltas = ["{}"]
        for position, delta in enumerate(deltas):
            # What belongs to the message as a whole comes with its last delta.
            last = position == len(deltas) - 1
            data += self._chunk(message.index, delta, "null", extra if last else _NO_EXTRA)
        if message.finish_reason:
            data += self._chunk(message.index, "{}", FINISH_REASON_JSON[message.finish_reason])
        return data

    def end(self, usage: pb.Usage) -> bytes:
        if not self.body.include_usage:
            return DONE
        return event(f'{self._prefix}],"usage":{to_json(usage_object(usage))}}}') + DONE

    def _first_chunk(self, message: pb.StreamGenerateResponse) -> bytes:
        """OpenAI's first chunk of a choice has the role and no text: null before a call."""
        content = "null" if message.tool_calls and not message.text else '""'
        chunk = self._chunk(message.index, f'{{"role":"assistant","content":{content}}}', "null")
        if not message.prompt_token_ids:
            return chunk
        ids = json_bytes(list(message.prompt_token_ids))
        return chunk.removesuffix(b"}\n\n") + b',"prompt_token_ids":' + ids + b"}\n\n"

    def _extra(self, message: pb.StreamGenerateResponse) -> str:
        extra = _NO_EXTRA
        if message.logprobs:
            extra = f'"logprobs":{to_json(chat_logprobs(message.logprobs))}'
        if message.token_ids:
            extra += f',"token_ids":{to_json(list(message.token_ids))}'
        return extra

    def _render_frame(self, model: str) -> None:
        self._prefix = (
            f'{{"id":{to_json("chatcmpl-" + self.generation.request_id)},'
            f'"object":"chat.completion.chunk","created":{self.generation.created},'
            f'"model":{to_json(model)},"choices":['
        )
        # With include_usage, OpenAI sends usage null in every chunk but the last.
        self._suffix = '],"usage":null}' if self.body.include_usage else "]}"

    def _chunk(self, index: int, delta: str, finish_reason: str, extra: str = "") -> bytes:
        return event(
            f'{self._prefix}{{"index":{index},"delta":{delta},'
            f'{extra or _NO_EXTRA},"finish_reason":{finish_reason}}}{self._suffix}'
        )


_NO_EXTRA = '"logprobs":null'


def _deltas(message: pb.StreamGenerateResponse) -> list[str]:
    """The message's new parts, each as the delta of a chunk."""
    deltas = []
    if message.reasoning:
        deltas.append(f'{{"reasoning_content":{quote(message.reasoning)}}}')
    if message.text:
        deltas.append(f'{{"content":{quote(message.text)}}}')
    deltas += [f'{{"tool_calls":[{to_json(_call_delta(call))}]}}' for call in message.tool_calls]
    return deltas


def _call_delta(call: pb.ToolCallDelta) -> dict[str, Any]:
    """OpenAI's first delta of a call has its id and name; the others have arguments alone."""
    function: dict[str, Any] = {"arguments": call.arguments}
    if not call.id and not call.name:
        return {"index": call.index, "function": function}
    return {
        "index": call.index,
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, **function},
    }
