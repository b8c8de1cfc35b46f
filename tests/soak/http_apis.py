"""The gateway's APIs: the body of a question, and the text in an answer. Pure."""

import ast
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.soak.question import TOKENS, Question

Body = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """One route. `text` finds the text in an answer, or in one event of a stream."""

    path: str
    is_chat: bool
    streams: bool
    body: Callable[[Question], Body]
    text: Callable[[Any], str]


def _chat_completion(question: Question) -> Body:
    messages = [{"role": "user", "content": question.prompt}]
    return {"messages": messages, "max_tokens": TOKENS, "temperature": 0}


def _completion(question: Question) -> Body:
    return {"prompt": question.prompt, "max_tokens": TOKENS, "temperature": 0}


def _kaito(question: Question) -> Body:
    kwargs = {"max_new_tokens": TOKENS, "do_sample": False}
    return {"prompt": question.prompt, "return_full_text": False, "generate_kwargs": kwargs}


def _kaito_chat(question: Question) -> Body:
    messages = [{"role": "user", "content": question.prompt}]
    kwargs = {"max_new_tokens": TOKENS, "do_sample": False}
    return {"messages": messages, "generate_kwargs": kwargs}


def _tgi(question: Question) -> Body:
    return {
        "inputs": question.prompt,
        "parameters": {"max_new_tokens": TOKENS, "do_sample": False},
    }


def _streaming(body: Callable[[Question], Body]) -> Callable[[Question], Body]:
    return lambda question: body(question) | {"stream": True}


def _first_choice(*path: str) -> Callable[[Any], str]:
    def text(answer: Any) -> str:
        found: Any = answer["choices"][0] if answer["choices"] else {}
        for name in path:
            found = found.get(name) or {}
        return found if isinstance(found, str) else ""

    return text


def _api(
    path: str, body: Callable[[Question], Body], text: Callable[[Any], str], **kind: bool
) -> HttpApi:
    return HttpApi(
        path=path,
        body=body,
        text=text,
        is_chat=kind.get("is_chat", False),
        streams=kind.get("streams", False),
    )


APIS = (
    _api(
        "/v1/chat/completions", _chat_completion, _first_choice("message", "content"), is_chat=True
    ),
    _api(
        "/v1/chat/completions",
        _streaming(_chat_completion),
        _first_choice("delta", "content"),
        is_chat=True,
        streams=True,
    ),
    _api("/v1/completions", _completion, _first_choice("text")),
    _api("/v1/completions", _streaming(_completion), _first_choice("text"), streams=True),
    # A prompt becomes a conversation of one message; an answer to messages is one, as Python text.
    _api("/chat", _kaito, lambda answer: str(answer["Result"]), is_chat=True),
    _api(
        "/chat",
        _kaito_chat,
        lambda answer: str(ast.literal_eval(answer["Result"])["content"]),
        is_chat=True,
    ),
    _api("/generate", _tgi, lambda answer: str(answer["generated_text"])),
    _api("/generate_stream", _tgi, lambda event: str(event["token"]["text"]), streams=True),
)


def events_of(text: str) -> Iterator[Any]:
    """The events of a stream that are complete, without the final [DONE]."""
    for block in text.split("\n\n")[:-1]:
        if block.startswith("data:") and (data := block.removeprefix("data:").strip()) != "[DONE]":
            yield json.loads(data)
