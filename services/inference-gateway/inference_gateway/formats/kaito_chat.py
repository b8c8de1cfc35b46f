"""POST /chat, KAITO's own format: {"prompt": ...} to {"Result": ...}. It does not stream.

If the model has a chat template, a prompt becomes one user message, and its answer starts on a new
line below the prompt. Without a template the model continues the prompt's text.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from inference_gateway.errors import Problem, RequestRejected, detail_body
from inference_gateway.formats.api_format import EventEncoder, GenerationContext, Input
from inference_gateway.formats.field_names import message_name, option_name
from inference_gateway.formats.kaito_schema import (
    ExtraKwargs,
    GenerateKwargs,
    KaitoChatRequest,
    extra_kwargs,
)
from inference_gateway.formats.roles import template_role
from inference_gateway.formats.schema_types import stop_strings
from kaito.inference.v1 import inference_pb2 as pb

# FastAPI's text for a body that Python's JSON parser rejects.
_BODY_NOT_PARSED = "There was an error parsing the body: a number has too many digits"
# KAITO's own text, which its clients may match.
PROMPT_REQUIRED = "Text generation parameter prompt required"
_CONTRACT_OPTIONS = (
    "do_sample early_stopping num_beams temperature top_k top_p typical_p repetition_penalty "
    "length_penalty no_repeat_ngram_size num_return_sequences"
).split()

# The contract's options under the names of generate_kwargs.
_KWARGS = {
    **{name: name for name in _CONTRACT_OPTIONS},
    **{name: name for name in ("max_length", "max_new_tokens", "min_new_tokens", "seed")},
    "stop": "stop_strings",
}


@dataclass(frozen=True, slots=True)
class ParsedKaitoChat:
    """`options` come from generate_kwargs."""

    body: KaitoChatRequest
    options: pb.GenerationOptions
    ignored: tuple[str, ...]
    is_streaming: bool = False

    @property
    def model(self) -> str:
        return self.body.model or ""

    def ignored_parameters(self, model: pb.Model) -> tuple[str, ...]:
        return self.ignored

    def sent_name(self, field: str) -> str | None:
        if field == "model":
            return field
        if name := option_name(field, _KWARGS):
            return f"generate_kwargs.{name}"
        if self.body.prompt:
            # With a chat template, a prompt is sent as a conversation of one message.
            return "prompt" if field == "prompt" or message_name(field) else None
        return message_name(field)

    def requests(self, generation: GenerationContext) -> tuple[pb.GenerateRequest, ...]:
        return (generation.build_request(self._input(generation.model), self.options),)

    def response_body(
        self, responses: Sequence[pb.GenerateResponse], generation: GenerationContext
    ) -> bytes:
        texts = [choice.text for response in responses for choice in response.choices]
        prompt = self.body.prompt
        if not prompt:
            # KAITO returns the last message as Python prints it.
            return _result(str({"role": "assistant", "content": texts[-1]}))
        if self.body.return_full_text is not False:
            separator = "\n" if generation.model.has_chat_template else ""
            texts = [prompt + separator + text for text in texts]
        return _result("".join(texts))

    def event_encoder(self, generation: GenerationContext) -> EventEncoder:
        raise TypeError("/chat does not stream")

    def _input(self, model: pb.Model) -> Input:
        body = self.body
        if not body.prompt:
            messages = body.messages or []
            return pb.Chat(
                messages=(
                    pb.ChatMessage(role=template_role(each.role), content=each.content)
                    for each in messages
                )
            )
        text = (body.prefix or "") + body.prompt
        if model.has_chat_template:
            return pb.Chat(messages=[pb.ChatMessage(role="user", content=text)])
        return text


@dataclass(frozen=True, slots=True)
class KaitoChat:
    """The format of /chat."""

    def parse(self, body: bytes) -> ParsedKaitoChat:
        try:
            request = KaitoChatRequest.model_validate_json(body)
            options, ignored = _generation_options(request.generate_kwargs)
        except ValidationError as error:
            raise RequestRejected(_unprocessable(body, error)) from None
        if not request.prompt and not request.messages:
            raise RequestRejected(Problem(status=400, message=PROMPT_REQUIRED))
        return ParsedKaitoChat(request, options, (*_ignored_fields(request), *ignored))

    def error_body(self, problem: Problem) -> bytes:
        return detail_body(problem)


def _generation_options(
    kwargs: GenerateKwargs | None,
) -> tuple[pb.GenerationOptions, list[str]]:
    """The contract's options, and the names of the kwargs that have no effect."""
    if kwargs is None:
        return pb.GenerationOptions(), []
    additional = extra_kwargs(kwargs)
    extra = ExtraKwargs.model_validate(additional)
    options = pb.GenerationOptions(**{name: getattr(kwargs, name) for name in _CONTRACT_OPTIONS})
    # As in transformers, max_new_tokens wins over max_length.
    if extra.max_new_tokens is None:
        options.max_length = kwargs.max_length
    else:
        options.max_new_tokens = extra.max_new_tokens
    if extra.min_new_tokens is not None:
        options.min_new_tokens = extra.min_new_tokens
    if extra.seed is not None:
        options.seed = extra.seed
    options.stop.extend(stop_strings(extra.stop_strings))
    return options, _ignored_kwargs(kwargs, additional)


def _ignored_kwargs(kwargs: GenerateKwargs, additional: dict[str, Any]) -> list[str]:
    effective = {*_CONTRACT_OPTIONS, "max_length"}
    changed = [
        name
        for name, field in GenerateKwargs.model_fields.items()
        if name not in effective and getattr(kwargs, name) != field.default
    ]
    return changed + [name for name in additional if name not in ExtraKwargs.model_fields]


def _ignored_fields(request: KaitoChatRequest) -> list[str]:
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
    """FastAPI's 422: each wrong field's location, error and input."""
    parent = ("generate_kwargs",) if error.title == ExtraKwargs.__name__ else ()
    fields = tuple(
        {
            "type": each["type"],
            "loc": ["body", *parent, *each["loc"]],
            "msg": each["msg"],
            "input": each.get("input"),
        }
        for each in error.errors(include_url=False, include_context=False)
    )
    if not body:
        fields = ({"type": "missing", "loc": ["body"], "msg": "Field required", "input": None},)
    elif fields[0]["type"] == "json_invalid":
        fields = (_json_error(body),)
    return Problem(status=422, message="the request is not valid", fields=fields)


def _json_error(body: bytes) -> dict[str, Any]:
    """FastAPI's field error for a body that is not JSON: `loc` ends with the position."""
    position, message = 0, "invalid text"
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        position, message = error.pos, error.msg
    except (UnicodeDecodeError, RecursionError):
        pass
    except ValueError:
        # Python reads integers of up to 4,300 digits. FastAPI answers 400 here, not 422.
        raise RequestRejected(Problem(status=400, message=_BODY_NOT_PARSED)) from None
    return {
        "type": "json_invalid",
        "loc": ["body", position],
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": message},
    }
