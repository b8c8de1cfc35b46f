"""POST /v1/completions, whole and streamed; one prompt or several."""

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
from inference_gateway.dialects.openai_schema import CompletionRequest
from inference_gateway.errors import Problem, Refused, openai_body
from kaito.inference.v1 import inference_pb2 as pb

# OpenAI's own default for this route.
_DEFAULT_MAX_TOKENS = 16


@dataclass(frozen=True, slots=True)
class CompletionAsk:
    """Texts to go on with. Choices are numbered through: n for the first prompt, n for the next."""

    body: CompletionRequest

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
        limit = self.body.max_tokens
        chosen = options(self.body, _DEFAULT_MAX_TOKENS if limit is None else limit)
        return tuple(about.request(prompt, chosen) for prompt in self.body.prompts)

    def whole(self, answers: Sequence[pb.GenerateResponse], about: About) -> bytes:
        choices = [
            {
                "index": number * self.body.choices + choice.index,
                "text": (prompt if self.body.echo else "") + choice.text,
                "logprobs": None,
                "finish_reason": FINISH[choice.finish_reason],
            }
            for number, (prompt, answer) in enumerate(zip(self.body.prompts, answers, strict=True))
            for choice in answer.choices
        ]
        body = {
            "id": f"cmpl-{about.request_id}",
            "object": "text_completion",
            "created": about.created,
            "model": answers[0].model,
            "choices": choices,
            "usage": usage(total([answer.usage for answer in answers])),
        }
        return to_json(body).encode()

    def events(self, about: About) -> "CompletionEvents":
        return CompletionEvents(about, self.body)


@dataclass(slots=True)
class CompletionEvents:
    """Chunks of the answers. What all chunks have in common is written once, as text."""

    about: About
    body: CompletionRequest
    _head: str = ""
    _tail: str = ""
    _begun: set[int] = field(default_factory=set)

    def piece(self, prompt: int, message: pb.StreamGenerateResponse) -> bytes:
        if not self._head:
            self._open(message.model)
        index = prompt * self.body.choices + message.index
        text = message.text
        if index not in self._begun:
            self._begun.add(index)
            text = self.body.prompts[prompt] + text if self.body.echo else text
        if not text and not message.finish_reason:
            return b""
        return event(
            f'{self._head}{{"index":{index},"text":{quoted(text)},"logprobs":null,'
            f'"finish_reason":{FINISH_JSON[message.finish_reason]}}}{self._tail}'
        )

    def closing(self, spent: pb.Usage) -> bytes:
        if not self.body.include_usage:
            return DONE
        return event(f'{self._head}],"usage":{to_json(usage(spent))}}}') + DONE

    def _open(self, model: str) -> None:
        self._head = (
            f'{{"id":{to_json("cmpl-" + self.about.request_id)},"object":"text_completion",'
            f'"created":{self.about.created},"model":{to_json(model)},"choices":['
        )
        self._tail = '],"usage":null}' if self.body.include_usage else "]}"


@dataclass(frozen=True, slots=True)
class OpenAiCompletions:
    """The dialect of /v1/completions."""

    def read(self, body: bytes) -> CompletionAsk:
        request = read(CompletionRequest, body)
        if request.logprobs is not None:
            raise Refused(unsupported("logprobs"))
        refuse_unsupported(
            suffix=request.suffix,
            best_of=request.best_of is not None and request.best_of != request.choices,
        )
        return CompletionAsk(request)

    def refusal(self, problem: Problem) -> bytes:
        return openai_body(problem)
