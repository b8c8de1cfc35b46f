"""POST /v1/chat/completions, streamed or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from inference_gateway.errors import Problem, RequestRejected, openai_body
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.field_names import message_name, option_name
from inference_gateway.formats.openai_request import (
    OPTION_NAMES,
    generation_options,
    ignored_parameters,
    parse_body,
    reject_unsupported,
    set_extras,
    unsupported,
)
from inference_gateway.formats.openai_response import (
    DONE,
    FINISH_REASON_JSON,
    FINISH_REASONS,
    event,
    quote,
    to_json,
    total_usage,
    usage_object,
)
from inference_gateway.formats.openai_schema import ChatCompletionMessage, ChatCompletionRequest
from inference_gateway.formats.roles import template_role
from kaito.inference.v1 import inference_pb2 as pb

# What a request without tools may say about which of them to call.
_NO_TOOL = (None, "none", "auto")


@dataclass(frozen=True, slots=True)
class ParsedChatCompletion:
    """One conversation to continue."""

    body: ChatCompletionRequest

    @property
    def model(self) -> str:
        return self.body.model or ""

    @property
    def is_streaming(self) -> bool:
        return bool(self.body.stream)

    @property
    def ignored_parameters(self) -> tuple[str, ...]:
        # Once for all messages: names of participants are usually in each of them.
        of_messages = dict.fromkeys(
            f"messages.{name}" for message in self.body.messages for name in set_extras(message)
        )
        return (*ignored_parameters(self.body), *of_messages)

    def sent_name(self, field: str) -> str | None:
        if field == "options.max_new_tokens":
            is_newer = self.body.max_completion_tokens is not None
            return "max_completion_tokens" if is_newer else "max_tokens"
        if field == "model":
            return field
        return message_name(field) or option_name(field, OPTION_NAMES)

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        body = self.body
        limit = body.max_completion_tokens
        limit = body.max_tokens if limit is None else limit
        messages = tuple(map(to_contract, body.messages))
        return (generation.build_request(messages, generation_options(body, limit)),)

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        choices = [
            {
                "index": choice.index,
                "message": {"role": "assistant", "content": choice.text, "refusal": None},
                "logprobs": None,
                "finish_reason": FINISH_REASONS[choice.finish_reason],
            }
            for response in responses
            for choice in response.choices
        ]
        body = {
            "id": f"chatcmpl-{generation.request_id}",
            "object": "chat.completion",
            "created": generation.created,
            "model": responses[0].model,
            "choices": choices,
            "usage": usage_object(total_usage([response.usage for response in responses])),
        }
        return to_json(body).encode()

    def event_encoder(self, generation: GenerationContext) -> "ChatEventEncoder":
        return ChatEventEncoder(generation, self.body.include_usage)


@dataclass(slots=True)
class ChatEventEncoder:
    """Renders chunks of one answer. What all chunks share is rendered once, as text."""

    generation: GenerationContext
    include_usage: bool
    _prefix: str = ""
    _suffix: str = ""
    _started: set[int] = field(default_factory=set)

    def encode(self, prompt_index: int, message: pb.StreamGenerateResponse) -> bytes:
        if not self._prefix:
            self._render_frame(message.model)
        data = b""
        if message.index not in self._started:
            self._started.add(message.index)
            # OpenAI's first chunk of a choice has the role and no text.
            data += self._chunk(message.index, '{"role":"assistant","content":""}', "null")
        if message.text:
            data += self._chunk(message.index, f'{{"content":{quote(message.text)}}}', "null")
        if message.finish_reason:
            data += self._chunk(message.index, "{}", FINISH_REASON_JSON[message.finish_reason])
        return data

    def end(self, usage: pb.Usage) -> bytes:
        if not self.include_usage:
            return DONE
        return event(f'{self._prefix}],"usage":{to_json(usage_object(usage))}}}') + DONE

    def _render_frame(self, model: str) -> None:
        self._prefix = (
            f'{{"id":{to_json("chatcmpl-" + self.generation.request_id)},'
            f'"object":"chat.completion.chunk","created":{self.generation.created},'
            f'"model":{to_json(model)},"choices":['
        )
        # With include_usage, OpenAI sends usage null in every chunk but the last.
        self._suffix = '],"usage":null}' if self.include_usage else "]}"

    def _chunk(self, index: int, delta: str, finish_reason: str) -> bytes:
        return event(
            f'{self._prefix}{{"index":{index},"delta":{delta},'
            f'"logprobs":null,"finish_reason":{finish_reason}}}{self._suffix}'
        )


@dataclass(frozen=True, slots=True)
class OpenAiChat:
    """The format of /v1/chat/completions."""

    def parse(self, body: bytes) -> ParsedChatCompletion:
        request = parse_body(ChatCompletionRequest, body)
        reject_unsupported(
            logprobs=request.logprobs,
            top_logprobs=request.top_logprobs,
            tools=request.tools,
            functions=request.functions,
            tool_choice=request.tool_choice not in _NO_TOOL,
            function_call=request.function_call not in _NO_TOOL,
            modalities=request.modalities not in (None, [], ["text"]),
            audio=request.audio,
            web_search_options=request.web_search_options is not None,
        )
        # Left out, what a tool was called with would be missing from the conversation.
        for index, message in enumerate(request.messages):
            reject_unsupported(
                **{
                    f"messages.{index}.tool_calls": message.tool_calls,
                    f"messages.{index}.function_call": message.function_call,
                }
            )
        if (request.response_format or {}).get("type", "text") != "text":
            raise RequestRejected(unsupported("response_format"))
        return ParsedChatCompletion(request)

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)


def to_contract(message: ChatCompletionMessage) -> pb.ChatMessage:
    """The message as the contract has it."""
    return pb.ChatMessage(role=template_role(message.role), content=message.text)
