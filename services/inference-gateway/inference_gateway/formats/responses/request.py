"""Parses a body of POST /v1/responses. What needs memory of earlier requests is rejected."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.errors import Problem, RequestRejected, openai_body
from inference_gateway.formats import tool_choice
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.openai_chat import ParsedChatCompletion
from inference_gateway.formats.openai_request import parse_body, reject_unsupported, set_extras
from inference_gateway.formats.openai_response import json_bytes
from inference_gateway.formats.responses.chat_request import sent_name, to_chat_request
from inference_gateway.formats.responses.events import ResponseEventEncoder
from inference_gateway.formats.responses.items_schema import MessageItem, ReasoningItem
from inference_gateway.formats.responses.output import output_items
from inference_gateway.formats.responses.response import response_object
from inference_gateway.formats.responses.schema import ResponsesRequest
from inference_gateway.formats.structured_output import structured_output
from kaito.inference.v1 import inference_pb2 as pb


@dataclass(frozen=True, slots=True)
class ParsedResponse:
    """A conversation to continue, also as a chat completion. `places` are those of its messages."""

    body: ResponsesRequest
    chat: ParsedChatCompletion
    places: list[str]

    @property
    def model(self) -> str:
        return self.chat.model

    @property
    def is_streaming(self) -> bool:
        return self.chat.is_streaming

    def ignored_parameters(self, model: pb.Model) -> tuple[str, ...]:
        body = self.body
        names = set_extras(body)
        if body.store:
            names.append("store")
        if set(body.include or ()) - {"message.output_text.logprobs"}:
            names.append("include")
        for name in ("text", "reasoning"):
            if (part := getattr(body, name)) is not None:
                names += [f"{name}.{extra}" for extra in set_extras(part)]
        of_chat = self.chat.ignored_parameters(model)
        names += [sent_name(each, self.places) for each in of_chat if each == "reasoning_effort"]
        if "messages.reasoning_content" in of_chat:
            names.append("input.reasoning")
        return tuple(names)

    def sent_name(self, field: str) -> str | None:
        name = self.chat.sent_name(field)
        return sent_name(name, self.places) if name else None

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        return self.chat.requests(generation)

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        (response,) = responses
        (choice,) = response.choices
        body = response_object(
            self.body,
            generation,
            model=response.model,
            output=output_items(choice, generation.request_id, self.body.wants_logprobs),
            finish_reason=choice.finish_reason,
            usage=response.usage,
        )
        return json_bytes(body)

    def event_encoder(self, generation: GenerationContext) -> ResponseEventEncoder:
        return ResponseEventEncoder(self.body, generation)


@dataclass(frozen=True, slots=True)
class OpenAiResponses:
    """The format of /v1/responses."""

    def parse(self, body: bytes) -> ParsedResponse:
        request = parse_body(ResponsesRequest, body)
        reject_unsupported(
            previous_response_id=request.previous_response_id,
            conversation=request.conversation is not None,
            background=request.background,
            prompt=request.prompt is not None,
            truncation=request.truncation not in (None, "disabled"),
            top_logprobs=request.top_logprobs and not request.wants_logprobs,
        )
        items = [] if isinstance(request.input, str) else request.input
        if items and all(isinstance(item, ReasoningItem) for item in items):
            raise RequestRejected(_nothing_to_answer())
        for index, item in enumerate(items):
            if isinstance(item, MessageItem):
                reject_unsupported(**{f"input.{index}.name": (item.model_extra or {}).get("name")})
        chat, places = to_chat_request(request)
        try:
            tool_choice.check_tool_choice(chat)
        except RequestRejected as rejected:
            raise RequestRejected(_renamed(rejected.problem, places)) from None
        structure = structured_output(chat, chat.response_format)
        return ParsedResponse(request, ParsedChatCompletion(chat, structure), places)

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)


def _renamed(problem: Problem, places: list[str]) -> Problem:
    assert problem.param is not None
    name = sent_name(problem.param, places)
    message = name + problem.message.removeprefix(problem.param)
    return Problem(status=problem.status, message=message, param=name, code=problem.code)


def _nothing_to_answer() -> Problem:
    message = "input: there is nothing but reasoning; send a message"
    return Problem(status=400, message=message, param="input", code="invalid_value")
