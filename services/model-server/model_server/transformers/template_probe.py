"""Finds out what a chat template can render, by rendering markers."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from model_server.engine import ToolCallDelta
from model_server.tool_calls.call_format import CallFormat
from model_server.tool_calls.call_parser import CallParser
from model_server.tool_calls.formats import FORMATS, LLAMA

# A template is the model's own program over a client's text, and fails in any of Python's ways.
TEMPLATE_ERRORS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

# The template, over messages and tools.
Render = Callable[[list[dict[str, Any]], list[dict[str, Any]] | None], str]

_USER = {"role": "user", "content": "zqxuserxqz"}
_TOOL_NAME, _CALL_NAME = "zqxtoolxqz", "zqxcallxqz"
_TOOL = {
    "type": "function",
    "function": {
        "name": _TOOL_NAME,
        "description": "zqxdescriptionxqz",
        "parameters": {
            "type": "object",
            "properties": {"zqxkeyxqz": {"type": "string", "description": "zqxkeyxqz"}},
            "required": ["zqxkeyxqz"],
        },
    },
}
_ARGUMENTS = {"zqxkeyxqz": "zqxvaluexqz"}


@dataclass(frozen=True, slots=True)
class TemplateAbilities:
    """What a template can render. `arguments_as_text`: it wants the JSON of a call, no object."""

    tools: bool
    calls: bool
    arguments_as_text: bool
    call_format: CallFormat


def probe(render: Render, vocabulary: Callable[[str], bool]) -> TemplateAbilities:
    """Render markers. `vocabulary` says whether a text is one token."""
    rendered, as_text = _render_call(render)
    return TemplateAbilities(
        tools=_TOOL_NAME in _try(render, [_USER], [_TOOL]),
        calls=_CALL_NAME in rendered,
        arguments_as_text=as_text,
        call_format=_find_format(rendered, vocabulary),
    )


def _render_call(render: Render) -> tuple[str, bool]:
    """A conversation with a call, and whether its arguments had to be text."""
    for as_text in (False, True):
        arguments = json.dumps(_ARGUMENTS) if as_text else _ARGUMENTS
        function = {"name": _CALL_NAME, "arguments": arguments}
        # Nine characters: templates of Mistral insist on it.
        call = {"id": "zqxcallid", "type": "function", "function": function}
        message = {"role": "assistant", "content": "", "tool_calls": [call]}
        text = _try(render, [_USER, message], [_TOOL])
        # A text that is encoded once more has its quotes escaped.
        if _CALL_NAME in text and json.dumps(_ARGUMENTS)[1:-1] in text.replace('":"', '": "'):
            return text, as_text
    return "", False


def _try(render: Render, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> str:
    try:
        return render(messages, tools)
    except TEMPLATE_ERRORS:
        return ""


def _find_format(rendered: str, vocabulary: Callable[[str], bool]) -> CallFormat:
    """The format that reads back the call that the template wrote.

    A template that writes no calls leaves the markers in the vocabulary as the only hint.
    """
    for each in FORMATS:
        if _reads(each, rendered):
            return each
    for each in FORMATS:
        if any(map(vocabulary, each.markers)):
            return each
    return LLAMA


def _reads(call_format: CallFormat, rendered: str) -> bool:
    # An anchored call stands at the beginning of an answer, which begins anywhere in this text.
    starts: Sequence[int] = (
        [at for at in range(len(rendered)) if rendered[at] in "{<"] if call_format.anchored else [0]
    )
    return any(_calls(call_format, rendered[start:]) for start in starts)


def _calls(call_format: CallFormat, text: str) -> bool:
    parser = CallParser(call_format, {_CALL_NAME}, constrained=False, new_id=str)
    parts = [*parser.add(text), *parser.flush()]
    calls = [part for part in parts if isinstance(part, ToolCallDelta)]
    return [json.loads(call.arguments) for call in calls] == [_ARGUMENTS]
