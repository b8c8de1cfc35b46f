"""POST /v1/chat/completions, streamed or not."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.errors import Problem, openai_body
from inference_gateway.formats import conversation, tool_choice
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.field_names import message_name, option_name
from inference_gateway.formats.openai_chat_answer import ChatEventEncoder, message_object
from inference_gateway.formats.openai_chat_schema import ChatCompletionRequest
from inference_gateway.formats.openai_request import (
    OPTION_NAMES,
    generation_options,
    parse_body,
    reject_unsupported,
    set_extras,
)
from inference_gateway.formats.openai_response import (
    FINISH_REASONS,
    json_bytes,
    to_json,
    usage_object,
)
from inference_gateway.formats.structured_output import structured_output
from inference_gateway.formats.token_logprobs import chat_logprobs
from inference_gateway.formats.token_usage import total_usage
from kaito.inference.v1 import inference_pb2 as pb

# What a request without functions may say about which of them to call.
_NO_FUNCTION = (None, "none", "auto")
_NAMES = {
    "chat.tool_choice": "tool_choice",
    "chat.continue_final_message": "continue_final_message",
    "priority": "priority",
    "model": "model",
}
_OPTIONS = {**OPTION_NAMES, "top_logprobs": "top_logprobs"}


@dataclass(frozen=True, slots=True)
class ParsedChatCompletion:
    """One conversation to continue. `structure` is what the answer has to match, with its name."""

    body: ChatCompletionRequest
    structure: tuple[str, pb.StructuredOutput] | None = None

    @property
    def model(self) -> str:
        return self.body.model or ""

    @property
    def is_streaming(self) -> bool:
        return bool(self.body.stream)

    def ignored_parameters(self, model: pb.Model) -> tuple[str, ...]:
        body, names = self.body, set_extras(self.body)
        if body.reasoning_effort and not conversation.takes_reasoning_effort(model.features):
            names.append("reasoning_effort")
        if body.parallel_tool_calls is not None and not body.tools:
            names.append("parallel_tool_calls")
        return (*names, *conversation.ignored_parts(body.messages, model.features))

    def sent_name(self, field: str) -> str | None:
        if field == "options.max_new_tokens":
            is_newer = self.body.max_completion_tokens is not None
            return "max_completion_tokens" if is_newer else "max_tokens"
        if self.structure and field.startswith("structured_output"):
            return self.structure[0]
        if field.startswith("chat.template_arguments"):
            return "chat_template_kwargs" if self.body.chat_template_kwargs else "reasoning_effort"
        if field.startswith("chat.tool_choice"):
            return "tool_choice" if self.body.tool_choice else "parallel_tool_calls"
        return (
            _NAMES.get(field)
            or conversation.tool_field_name(field, tool_choice.offered_tools(self.body))
            or message_name(field)
            or option_name(field, _OPTIONS)
        )

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        body = self.body
        limit = body.max_completion_tokens
        options = generation_options(body, body.max_tokens if limit is None else limit)
        if body.logprobs:
            options.logprobs = True
            options.top_logprobs = body.top_logprobs or 0
        request = generation.build_request(self._chat(generation.model), options)
        if body.priority:
            request.priority = body.priority
        if self.structure:
            request.structured_output.CopyFrom(self.structure[1])
        return (request,)

    def _chat(self, model: pb.Model) -> pb.Chat:
        body = self.body
        tools = body.tools or []
        offered = [tools[index] for index in tool_choice.offered_tools(body)]
        chat = conversation.to_chat(body.messages, body, offered, model.features)
        if choice := tool_choice.choose(body):
            chat.tool_choice.CopyFrom(choice)
        if body.reasoning_effort and conversation.takes_reasoning_effort(model.features):
            arguments = {conversation.REASONING_EFFORT: body.reasoning_effort}
            arguments |= body.chat_template_kwargs or {}
            chat.template_arguments = to_json(arguments)
        return chat

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        (response,) = responses
        with_ids = bool(self.body.return_token_ids)
        choices = [
            {
                "index": choice.index,
                "message": message_object(choice),
                "logprobs": chat_logprobs(choice.logprobs) if self.body.logprobs else None,
                "finish_reason": FINISH_REASONS[choice.finish_reason],
                **({"token_ids": list(choice.token_ids)} if with_ids else {}),
            }
            for choice in response.choices
        ]
        body = {
            "id": f"chatcmpl-{generation.request_id}",
            "object": "chat.completion",
            "created": generation.created,
            "model": response.model,
            "choices": choices,
            "usage": usage_object(total_usage([response.usage])),
            **({"prompt_token_ids": list(response.prompt_token_ids)} if with_ids else {}),
        }
        return json_bytes(body)

    def event_encoder(self, generation: GenerationContext) -> ChatEventEncoder:
        return ChatEventEncoder(generation, self.body)


@dataclass(frozen=True, slots=True)
class OpenAiChat:
    """The format of /v1/chat/completions."""

    def parse(self, body: bytes) -> ParsedChatCompletion:
        request = parse_body(ChatCompletionRequest, body)
        reject_unsupported(
            functions=request.functions,
            function_call=request.function_call not in _NO_FUNCTION,
            modalities=request.modalities not in (None, [], ["text"]),
            audio=request.audio,
            web_search_options=request.web_search_options is not None,
            prompt_logprobs=request.prompt_logprobs is not None,
            top_logprobs=request.top_logprobs and not request.logprobs,
        )
        conversation.check_template_fields(request.messages, request)
        tool_choice.check_tool_choice(request)
        return ParsedChatCompletion(request, structured_output(request, request.response_format))

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)
