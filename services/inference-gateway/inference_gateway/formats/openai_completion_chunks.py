"""The chunks of a streamed answer of /v1/completions."""

from collections import defaultdict
from dataclasses import dataclass, field

from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.openai_completions_schema import CompletionRequest
from inference_gateway.formats.openai_response import (
    DONE,
    FINISH_REASON_JSON,
    event,
    quote,
    to_json,
    usage_object,
)
from inference_gateway.formats.token_logprobs import completion_logprobs, prompt_text
from inference_gateway.formats.token_places import TokenPlaces
from kaito.inference.v1 import inference_pb2 as pb


@dataclass(slots=True)
class CompletionEventEncoder:
    """Renders chunks of the answers. What all chunks share is rendered once, as text."""

    generation: GenerationContext
    body: CompletionRequest
    _prefix: str = ""
    _suffix: str = ""
    _started: set[int] = field(default_factory=set)
    _first: dict[int, pb.StreamGenerateResponse] = field(default_factory=dict)
    _places: defaultdict[int, TokenPlaces] = field(default_factory=lambda: defaultdict(TokenPlaces))

    def encode(self, prompt_index: int, message: pb.StreamGenerateResponse) -> bytes:
        body = self.body
        if not self._prefix:
            self._render_frame(message.model)
        # The first message of a prompt has what concerns all its choices.
        first = self._first.setdefault(prompt_index, message)
        index = prompt_index * body.choices + message.index
        text, tokens = message.text, list(message.logprobs)
        if body.returns_prompt_alone:
            text, tokens = "", []
        starts = index not in self._started
        if starts:
            self._started.add(index)
            # The prompt is echoed once, in front of the choice's first text.
            if body.echo:
                text = prompt_text(body.prompts[prompt_index], first.prompt_logprobs) + text
                tokens = [*first.prompt_logprobs, *tokens]
        extra = self._extra(index, text, tokens)
        if body.return_token_ids:
            extra += f',"token_ids":{to_json(list(message.token_ids))}'
            if starts:
                extra += f',"prompt_token_ids":{to_json(list(first.prompt_token_ids))}'
        if not text and not tokens and not message.finish_reason and not message.token_ids:
            return b""
        reason = FINISH_REASON_JSON[message.finish_reason]
        if body.returns_prompt_alone and message.finish_reason:
            reason = '"length"'
        return event(
            f'{self._prefix}{{"index":{index},"text":{quote(text)},{extra},'
            f'"finish_reason":{reason}}}{self._suffix}'
        )

    def end(self, usage: pb.Usage) -> bytes:
        if not self.body.include_usage:
            return DONE
        if self.body.returns_prompt_alone:
            usage.completion_tokens = 0
        return event(f'{self._prefix}],"usage":{to_json(usage_object(usage))}}}') + DONE

    def _extra(self, index: int, text: str, tokens: list[pb.TokenLogprob]) -> str:
        if self.body.logprobs is None:
            return '"logprobs":null'
        return f'"logprobs":{to_json(completion_logprobs(tokens, text, self._places[index]))}'

    def _render_frame(self, model: str) -> None:
        self._prefix = (
            f'{{"id":{to_json("cmpl-" + self.generation.request_id)},"object":"text_completion",'
            f'"created":{self.generation.created},"model":{to_json(model)},"choices":['
        )
        self._suffix = '],"usage":null}' if self.body.include_usage else "]}"
