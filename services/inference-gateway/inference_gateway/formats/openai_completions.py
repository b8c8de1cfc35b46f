"""POST /v1/completions, streamed or not; one prompt or several."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inference_gateway.errors import Problem, openai_body
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.field_names import dotted, option_name
from inference_gateway.formats.openai_completion_chunks import CompletionEventEncoder
from inference_gateway.formats.openai_completions_schema import CompletionRequest
from inference_gateway.formats.openai_request import (
    OPTION_NAMES,
    generation_options,
    parse_body,
    reject_unsupported,
    set_extras,
)
from inference_gateway.formats.openai_response import FINISH_REASONS, json_bytes, usage_object
from inference_gateway.formats.structured_output import structured_output
from inference_gateway.formats.token_logprobs import completion_logprobs, prompt_text
from inference_gateway.formats.token_places import TokenPlaces
from inference_gateway.formats.token_usage import total_usage
from kaito.inference.v1 import inference_pb2 as pb

# OpenAI's own default for this route.
_DEFAULT_MAX_TOKENS = 16
_OPTIONS = {
    **OPTION_NAMES,
    "max_new_tokens": "max_tokens",
    "top_logprobs": "logprobs",
    "prompt_logprobs": "echo",
}


@dataclass(frozen=True, slots=True)
class ParsedCompletion:
    """Texts to continue.

    Choices are numbered across prompts: the first n belong to the first prompt, and so on.
    `structure` is what the answer has to match, with its name.
    """

    body: CompletionRequest
    structure: tuple[str, pb.StructuredOutput] | None = None

    @property
    def model(self) -> str:
        return self.body.model or ""

    @property
    def is_streaming(self) -> bool:
        return bool(self.body.stream)

    def ignored_parameters(self, model: pb.Model) -> tuple[str, ...]:
        return tuple(set_extras(self.body))

    def sent_name(self, field: str) -> str | None:
        if field in ("prompt", "input", "token_ids"):
            return "prompt"
        if field.startswith("token_ids."):
            return "prompt" + dotted(field.removeprefix("token_ids.ids"))
        if self.structure and field.startswith("structured_output"):
            return self.structure[0]
        return field if field in ("model", "priority") else option_name(field, _OPTIONS)

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        return tuple(self._request(prompt, generation) for prompt in self.body.prompts)

    def _request(
        self, prompt: str | list[int], generation: GenerationContext
    ) -> pb.GenerateRequest:
        body = self.body
        limit = _DEFAULT_MAX_TOKENS if body.max_tokens is None else body.max_tokens
        # The contract has no empty answer; this one's only token is not returned.
        options = generation_options(body, 1 if body.returns_prompt_alone else limit)
        is_text = isinstance(prompt, str)
        if body.logprobs is not None:
            options.logprobs = True
            options.top_logprobs = body.logprobs
        # The text of a prompt that came as tokens is that of its log probabilities.
        if body.echo and (body.logprobs is not None or not is_text):
            options.prompt_logprobs = True
        source = prompt if isinstance(prompt, str) else pb.TokenIds(ids=prompt)
        request = generation.build_request(source, options)
        request.priority = body.priority or 0
        if self.structure:
            request.structured_output.CopyFrom(self.structure[1])
        return request

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        prompts = zip(self.body.prompts, responses, strict=True)
        usage = total_usage(response.usage for response in responses)
        if self.body.returns_prompt_alone:
            usage.completion_tokens = 0
        body = {
            "id": f"cmpl-{generation.request_id}",
            "object": "text_completion",
            "created": generation.created,
            "model": responses[0].model,
            "choices": [
                self._choice(index, prompt, response, choice)
                for index, (prompt, response) in enumerate(prompts)
                for choice in response.choices
            ],
            "usage": usage_object(usage),
        }
        return json_bytes(body)

    def _choice(
        self,
        prompt_index: int,
        prompt: str | list[int],
        response: pb.GenerateResponse,
        choice: pb.Choice,
    ) -> dict[str, Any]:
        body = self.body
        text, tokens = choice.text, list(choice.logprobs)
        if body.returns_prompt_alone:
            text, tokens = "", []
        if body.echo:
            text = prompt_text(prompt, response.prompt_logprobs) + text
            tokens = [*response.prompt_logprobs, *tokens]
        wants_logprobs = body.logprobs is not None
        found = {
            "index": prompt_index * body.choices + choice.index,
            "text": text,
            "logprobs": completion_logprobs(tokens, text, TokenPlaces())
            if wants_logprobs
            else None,
            "finish_reason": "length"
            if body.returns_prompt_alone
            else FINISH_REASONS[choice.finish_reason],
        }
        if body.return_token_ids:
            found["token_ids"] = list(choice.token_ids)
            found["prompt_token_ids"] = list(response.prompt_token_ids)
        return found

    def event_encoder(self, generation: GenerationContext) -> CompletionEventEncoder:
        return CompletionEventEncoder(generation, self.body)


@dataclass(frozen=True, slots=True)
class OpenAiCompletions:
    """The format of /v1/completions."""

    def parse(self, body: bytes) -> ParsedCompletion:
        request = parse_body(CompletionRequest, body)
        reject_unsupported(
            suffix=request.suffix,
            best_of=request.best_of is not None and request.best_of != request.choices,
        )
        return ParsedCompletion(request, structured_output(request, None))

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)
