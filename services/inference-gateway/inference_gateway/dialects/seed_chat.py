"""POST /chat: the seed's request and {"Result": "..."}. Whole answers only.

A prompt is put as one user message where the model has a chat template, and its answer stands on
a line of its own below the prompt; without a template the text is simply gone on with.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from inference_gateway.dialects.dialect import About, Events, Input
from inference_gateway.dialects.seed_schema import (
    ChatRequest,
    FurtherKwargs,
    GenerateKwargs,
    further,
)
from inference_gateway.errors import Problem, Refused, detail_body
from kaito.inference.v1 import inference_pb2 as pb

PROMPT_REQUIRED = "Text generation parameter prompt required"
_PASSED_ON = (
    "do_sample early_stopping num_beams temperature top_k top_p typical_p repetition_penalty "
    "length_penalty no_repeat_ngram_size num_return_sequences"
).split()


@dataclass(frozen=True, slots=True)
class SeedAsk:
    """`options` and `ignored` come from generate_kwargs."""

    body: ChatRequest
    options: pb.GenerationOptions
    ignored: tuple[str, ...]
    streams: bool = False

    @property
    def model(self) -> str:
        return self.body.model or ""

    def requests(self, about: About) -> tuple[pb.GenerateRequest, ...]:
        return (about.request(self._input(about.model), self.options),)

    def whole(self, answers: Sequence[pb.GenerateResponse], about: About) -> bytes:
        texts = [choice.text for answer in answers for choice in answer.choices]
        prompt = self.body.prompt
        if not prompt:
            return _result(str({"role": "assistant", "content": texts[-1]}))
        if self.body.return_full_text is not False:
            joint = "\n" if about.model.has_chat_template else ""
            texts = [prompt + joint + text for text in texts]
        return _result("".join(texts))

    def events(self, about: About) -> Events:
        raise TypeError("/chat does not stream")

    def _input(self, model: pb.Model) -> Input:
        body = self.body
        if not body.prompt:
            turns = body.messages or []
            return tuple(pb.ChatMessage(role=turn.role, content=turn.content) for turn in turns)
        text = (body.prefix or "") + body.prompt
        if model.has_chat_template:
            return (pb.ChatMessage(role="user", content=text),)
        return text


@dataclass(frozen=True, slots=True)
class SeedChat:
    """The dialect of /chat."""

    def read(self, body: bytes) -> SeedAsk:
        try:
            request = ChatRequest.model_validate_json(body)
            options, ignored = _options(request.generate_kwargs)
        except ValidationError as error:
            raise Refused(_unprocessable(body, error)) from None
        if not request.prompt and not request.messages:
            raise Refused(Problem(status=400, message=PROMPT_REQUIRED))
        return SeedAsk(request, options, (*_ignored_fields(request), *ignored))

    def refusal(self, problem: Problem) -> bytes:
        return detail_body(problem)


def _options(kwargs: GenerateKwargs | None) -> tuple[pb.GenerationOptions, list[str]]:
    if kwargs is None:
        return pb.GenerationOptions(), []
    extra = further(kwargs)
    more = FurtherKwargs.model_validate(extra)
    options = pb.GenerationOptions(**{name: getattr(kwargs, name) for name in _PASSED_ON})
    if more.max_new_tokens is None:
        options.max_length = kwargs.max_length
    else:
        options.max_new_tokens = more.max_new_tokens
    if more.min_new_tokens is not None:
        options.min_new_tokens = more.min_new_tokens
    if more.seed is not None:
        options.seed = more.seed
    stops = more.stop_strings or []
    options.stop.extend([stops] if isinstance(stops, str) else stops)
    return options, _ignored_kwargs(kwargs, extra)


def _ignored_kwargs(kwargs: GenerateKwargs, extra: dict[str, Any]) -> list[str]:
    known = {*_PASSED_ON, "max_length"}
    changed = [
        name
        for name, field in GenerateKwargs.model_fields.items()
        if name not in known and getattr(kwargs, name) != field.default
    ]
    return changed + [name for name in extra if name not in FurtherKwargs.model_fields]


def _ignored_fields(request: ChatRequest) -> list[str]:
    ignored = []
    if request.clean_up_tokenization_spaces:
        ignored.append("clean_up_tokenization_spaces")
    if request.handle_long_generation:
        ignored.append("handle_long_generation")
    if request.prompt and request.messages:
        ignored.append("messages")
    return ignored


def _result(text: str) -> bytes:
    return json.dumps({"Result": text}, ensure_ascii=False).encode()


def _unprocessable(body: bytes, error: ValidationError) -> Problem:
    """FastAPI's 422: where in the body, what is wrong, and what stood there."""
    within = ("generate_kwargs",) if error.title == FurtherKwargs.__name__ else ()
    fields = tuple(
        {
            "type": found["type"],
            "loc": ["body", *within, *found["loc"]],
            "msg": found["msg"],
            "input": found.get("input"),
        }
        for found in error.errors(include_url=False, include_context=False)
    )
    if not body:
        fields = ({"type": "missing", "loc": ["body"], "msg": "Field required", "input": None},)
    elif fields[0]["type"] == "json_invalid":
        fields = (_not_json(body),)
    return Problem(status=422, message="the request is not valid", fields=fields)


def _not_json(body: bytes) -> dict[str, Any]:
    place, why = 0, "invalid text"
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        place, why = error.pos, error.msg
    except (UnicodeDecodeError, RecursionError):
        pass
    return {
        "type": "json_invalid",
        "loc": ["body", place],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": why},
    }
