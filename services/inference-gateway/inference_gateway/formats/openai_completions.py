"""POST /v1/completions, streamed or not; one prompt or several."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from inference_gateway.errors import Problem, RequestRejected, openai_body
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.field_names import option_name
from inference_gateway.formats.openai_request import (
    OPTION_NAMES,
    generation_options,
    ignored_parameters,
    parse_body,
    reject_unsupported,
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
from inference_gateway.formats.openai_schema import CompletionRequest
from kaito.inference.v1 import inference_pb2 as pb

# OpenAI's own default for this route.
_DEFAULT_MAX_TOKENS = 16


@dataclass(frozen=True, slots=True)
class ParsedCompletion:
    """Texts to continue.

    Choices are numbered across prompts: the first n belong to the first prompt, and so on.
    """

    body: CompletionRequest

    @property
    def model(self) -> str:
        return self.body.model or ""

    @property
    def is_streaming(self) -> bool:
        return bool(self.body.stream)

    @property
    def ignored_parameters(self) -> tuple[str, ...]:
        return ignored_parameters(self.body)

    def sent_name(self, field: str) -> str | None:
        if field in ("prompt", "input"):
            return "prompt"
        names = {**OPTION_NAMES, "max_new_tokens": "max_tokens"}
        return field if field == "model" else option_name(field, names)

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        limit = self.body.max_tokens
        options = generation_options(self.body, _DEFAULT_MAX_TOKENS if limit is None else limit)
        return tuple(generation.build_request(prompt, options) for prompt in self.body.prompts)

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        choices = [
            {
                "index": prompt_index * self.body.choices + choice.index,
                "text": (prompt if self.body.echo else "") + choice.text,
                "logprobs": None,
                "finish_reason": FINISH_REASONS[choice.finish_reason],
            }
            for prompt_index, (prompt, response) in enumerate(
                zip(self.body.prompts, responses, strict=True)
            )
            for choice in response.choices
        ]
        body = {
            "id": f"cmpl-{generation.request_id}",
            "object": "text_completion",
            "created": generation.created,
            "model": responses[0].model,
            "choices": choices,
            "usage": usage_object(total_usage([response.usage for response in responses])),
        }
        return to_json(body).encode()

    def event_encoder(self, generation: GenerationContext) -> "CompletionEventEncoder":
        return CompletionEventEncoder(generation, self.body)


@dataclass(slots=True)
class CompletionEventEncoder:
    """Renders chunks of the answers. What all chunks share is rendered once, as text."""

    generation: GenerationContext
    body: CompletionRequest
    _prefix: str = ""
    _suffix: str = ""
    _started: set[int] = field(default_factory=set)

    def encode(self, prompt_index: int, message: pb.StreamGenerateResponse) -> bytes:
        if not self._prefix:
            self._render_frame(message.model)
        index = prompt_index * self.body.choices + message.index
        text = message.text
        if index not in self._started:
            self._started.add(index)
            # The prompt is echoed once, in front of the choice's first text.
            text = self.body.prompts[prompt_index] + text if self.body.echo else text
        if not text and not message.finish_reason:
            return b""
        return event(
            f'{self._prefix}{{"index":{index},"text":{quote(text)},"logprobs":null,'
            f'"finish_reason":{FINISH_REASON_JSON[message.finish_reason]}}}{self._suffix}'
        )

    def end(self, usage: pb.Usage) -> bytes:
        if not self.body.include_usage:
            return DONE
        return event(f'{self._prefix}],"usage":{to_json(usage_object(usage))}}}') + DONE

    def _render_frame(self, model: str) -> None:
        self._prefix = (
            f'{{"id":{to_json("cmpl-" + self.generation.request_id)},"object":"text_completion",'
            f'"created":{self.generation.created},"model":{to_json(model)},"choices":['
        )
        self._suffix = '],"usage":null}' if self.body.include_usage else "]}"


@dataclass(frozen=True, slots=True)
class OpenAiCompletions:
    """The format of /v1/completions."""

    def parse(self, body: bytes) -> ParsedCompletion:
        request = parse_body(CompletionRequest, body)
        if request.logprobs is not None:
            raise RequestRejected(unsupported("logprobs"))
        reject_unsupported(
            suffix=request.suffix,
            best_of=request.best_of is not None and request.best_of != request.choices,
        )
        return ParsedCompletion(request)

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)
