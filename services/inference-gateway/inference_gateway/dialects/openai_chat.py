"""POST /v1/chat/completions, whole and streamed."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from inference_gateway.dialects.dialect import About
from inference_gateway.dialects.openai_answer import (
    DONE,
    FINISH,
    FINISH_JSON,
    event,
    quoted,
    to_json,
    total,
    usage,
)
from inference_gateway.dialects.openai_request import (
    ignored,
    options,
    read,
    refuse_unsupported,
    unsupported,
)
from inference_gateway.dialects.openai_schema import ChatCompletionRequest, ChatTurn
from inference_gateway.errors import Problem, Refused, openai_body
from kaito.inference.v1 import inference_pb2 as pb

# OpenAI's newer name for what every chat template calls "system".
_ROLES = {"developer": "system"}


@dataclass(frozen=True, slots=True)
class ChatAsk:
    """One conversation to go on with."""

    body: ChatCompletionRequest

    @property
    def model(self) -> str:
        return self.body.model or ""

    @property
    def streams(self) -> bool:
        return bool(self.body.stream)

    @property
    def ignored(self) -> tuple[str, ...]:
        return ignored(self.body)

    def requests(self, about: About) -> tuple[pb.GenerateRequest, ...]:
        body = self.body
        limit = body.max_completion_tokens
        limit = body.max_tokens if limit is None else limit
        return (about.request(tuple(map(_message, body.messages)), options(body, limit)),)

    def whole(self, answers: Sequence[pb.GenerateResponse], about: About) -> bytes:
        choices = [
            {
                "index": choice.index,
                "message": {"role": "assistant", "content": choice.text, "refusal": None},
                "logprobs": None,
                "finish_reason": FINISH[choice.finish_reason],
            }
            for answer in answers
            for choice in answer.choices
        ]
        body = {
            "id": f"chatcmpl-{about.request_id}",
            "object": "chat.completion",
            "created": about.created,
            "model": answers[0].model,
            "choices": choices,
            "usage": usage(total([answer.usage for answer in answers])),
        }
        return to_json(body).encode()

    def events(self, about: About) -> "ChatEvents":
        return ChatEvents(about, self.body.include_usage)


@dataclass(slots=True)
class ChatEvents:
    """Chunks of one answer. What all chunks have in common is written once, as text."""

    about: About
    include_usage: bool
    _head: str = ""
    _tail: str = ""
    _begun: set[int] = field(default_factory=set)

    def piece(self, prompt: int, message: pb.StreamGenerateResponse) -> bytes:
        if not self._head:
            self._open(message.model)
        data = b""
        if message.index not in self._begun:
            self._begun.add(message.index)
            data += self._chunk(message.index, '{"role":"assistant","content":""}', "null")
        if message.text:
            data += self._chunk(message.index, f'{{"content":{quoted(message.text)}}}', "null")
        if message.finish_reason:
            data += self._chunk(message.index, "{}", FINISH_JSON[message.finish_reason])
        return data

    def closing(self, spent: pb.Usage) -> bytes:
        if not self.include_usage:
            return DONE
        return event(f'{self._head}],"usage":{to_json(usage(spent))}}}') + DONE

    def _open(self, model: str) -> None:
        self._head = (
            f'{{"id":{to_json("chatcmpl-" + self.about.request_id)},'
            f'"object":"chat.completion.chunk","created":{self.about.created},'
            f'"model":{to_json(model)},"choices":['
        )
        self._tail = '],"usage":null}' if self.include_usage else "]}"

    def _chunk(self, index: int, delta: str, finish: str) -> bytes:
        return event(
            f'{self._head}{{"index":{index},"delta":{delta},'
            f'"logprobs":null,"finish_reason":{finish}}}{self._tail}'
        )


@dataclass(frozen=True, slots=True)
class OpenAiChat:
    """The dialect of /v1/chat/completions."""

    def read(self, body: bytes) -> ChatAsk:
        request = read(ChatCompletionRequest, body)
        refuse_unsupported(
            logprobs=request.logprobs,
            top_logprobs=request.top_logprobs,
            tools=request.tools,
            functions=request.functions,
        )
        if (request.response_format or {}).get("type", "text") != "text":
            raise Refused(unsupported("response_format"))
        return ChatAsk(request)

    def refusal(self, problem: Problem) -> bytes:
        return openai_body(problem)


def _message(turn: ChatTurn) -> pb.ChatMessage:
    return pb.ChatMessage(role=_ROLES.get(turn.role, turn.role), content=turn.text)
