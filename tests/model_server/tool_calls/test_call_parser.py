"""Calls of tools are read in each family's format, however the text arrives in parts."""

import itertools
import json

import pytest

from model_server.engine import ToolCallDelta
from model_server.tool_calls.call_format import CallFormat
from model_server.tool_calls.call_parser import CallParser
from model_server.tool_calls.formats import (
    DEEPSEEK_V3,
    DEEPSEEK_V31,
    FORMATS,
    HERMES,
    LLAMA,
    MISTRAL,
    MISTRAL_ARGS,
    PHI4,
)

NAMES = {"weather", "now"}
PARIS = '{"city": "Paris"}'
TRICKY = '{"text": "a } b ] \\" </tool_call> {", "n": [1, {"m": {}}]}'


def read(
    call_format: CallFormat, text: str, size: int = 1000, *, constrained: bool = False
) -> tuple[str, list[tuple[str, str]]]:
    """The text and the calls of an answer that arrives in parts of `size` characters."""
    ids = map(str, itertools.count())
    parser = CallParser(call_format, NAMES, constrained=constrained, new_id=lambda: next(ids))
    parts = []
    for at in range(0, len(text), size):
        parts += parser.add(text[at : at + size])
    parts += parser.flush()
    calls: dict[int, list[str]] = {}
    for part in parts:
        if isinstance(part, ToolCallDelta):
            # The name comes first, and once.
            assert bool(part.name) == bool(part.id) == (part.index not in calls)
            call = calls.setdefault(part.index, [part.name, ""])
            call[1] += part.arguments
    assert parser.calls == len(calls)
    texts = "".join(part for part in parts if isinstance(part, str))
    return texts, [(name, arguments) for name, arguments in calls.values()]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("constrained", [True, False], ids="constrained free".split())
@pytest.mark.parametrize(
    ("call_format", "answer", "text", "calls"),
    [
        (
            HERMES,
            f'<tool_call>\n{{"name": "weather", "arguments": {PARIS}}}\n</tool_call>',
            "",
            [("weather", PARIS)],
        ),
        (
            HERMES,
            f'Let me see.\n\n<tool_call>{{"name":"weather","arguments":{TRICKY}}}</tool_call>\n'
            '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>\n',
            "Let me see.",
            [("weather", TRICKY), ("now", "{}")],
        ),
        # The end of the call is missing, as when the model ends its turn early.
        (
            HERMES,
            '<tool_call>\n{"name": "now", "arguments": {}}',
            "",
            [("now", "{}")],
        ),
        (
            HERMES,
            '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>\nDone.',
            "Done.",
            [("now", "{}")],
        ),
        (LLAMA, f'{{"name": "weather", "parameters": {PARIS}}}', "", [("weather", PARIS)]),
        (
            LLAMA,
            f'\n<|python_tag|>{{"name": "weather", "parameters": {PARIS}}}; '
            '{"name": "now", "parameters": {}}',
            "",
            [("weather", PARIS), ("now", "{}")],
        ),
        (
            LLAMA,
            f'{{"type": "function", "name": "weather", "parameters": {PARIS}}}',
            "",
            [("weather", PARIS)],
        ),
        (
            MISTRAL,
            f'[TOOL_CALLS][{{"name": "weather", "arguments": {PARIS}}}, '
            '{"name": "now", "arguments": {}}]',
            "",
            [("weather", PARIS), ("now", "{}")],
        ),
        (
            MISTRAL,
            f'[TOOL_CALLS] [{{"name": "weather", "arguments": {PARIS}, "id": "a1b2c3d4e"}}, '
            '{"name": "now", "arguments": {}, "id": "a1b2c3d4f"}]',
            "",
            [("weather", PARIS), ("now", "{}")],
        ),
        (
            MISTRAL_ARGS,
            f"I look.[TOOL_CALLS]weather[ARGS]{PARIS}[TOOL_CALLS]now[ARGS]{{}}",
            "I look.",
            [("weather", PARIS), ("now", "{}")],
        ),
        (
            PHI4,
            f'<|tool_call|>[{{"name": "weather", "arguments": {PARIS}}}]<|/tool_call|>',
            "",
            [("weather", PARIS)],
        ),
        (
            PHI4,
            f'functools[{{"name": "weather", "arguments": {PARIS}}}]',
            "",
            [("weather", PARIS)],
        ),
        (
            DEEPSEEK_V3,
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n"
            f"{PARIS}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n"
            "```json\n{}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            "",
            [("weather", PARIS), ("now", "{}")],
        ),
        (
            DEEPSEEK_V31,
            "Well:<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>"
            f"{PARIS}<｜tool▁call▁end｜><｜tool▁call▁begin｜>now<｜tool▁sep｜>{{}}"
            "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
            "Well:",
            [("weather", PARIS), ("now", "{}")],
        ),
    ],
)
def test_calls_are_read(
    call_format: CallFormat,
    answer: str,
    text: str,
    calls: list[tuple[str, str]],
    constrained: bool,
    size: int,
) -> None:
    assert read(call_format, answer, size, constrained=constrained) == (text, calls)


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    ("call_format", "answer"),
    [
        (HERMES, "No call at all. \n"),
        (HERMES, "<tool_call> is how a call begins"),
        (HERMES, '<tool_call>\n{"name": "weather", "arguments": {"city": Paris}}\n</tool_call>'),
        (HERMES, '<tool_call>\n{"name": "weather", "arguments": ["Paris"]}\n</tool_call>'),
        (HERMES, '<tool_call>\n{"name": "weather", "arguments": {"city": "Par'),
        (HERMES, '<tool_call>\n{"name": "unknown", "arguments": {}}\n</tool_call>'),
        (HERMES, '<tool_call>\n{"arguments": {}}\n</tool_call>'),
        (HERMES, "<tool_call>" + " " * 200 + "{"),
        (LLAMA, f'See: {{"name": "weather", "parameters": {PARIS}}}'),
        (LLAMA, '{"name": "Ann", "age": 7}'),
        (LLAMA, '{"name": "weather", "parameters": 7}'),
        (MISTRAL, "[TOOL_CALLS] I don't know"),
        (MISTRAL, '[TOOL_CALLS] [{"name": "weather", "arguments": {"a": 1e}}]'),
    ],
)
def test_what_is_no_call_is_text_and_is_never_lost(
    call_format: CallFormat, answer: str, size: int
) -> None:
    assert read(call_format, answer, size) == (answer, [])


def test_text_after_a_malformed_call_is_still_read() -> None:
    bad = '<tool_call>\n{"name": "weather", "arguments": {oops}}\n</tool_call>'
    good = f'<tool_call>\n{{"name": "weather", "arguments": {PARIS}}}\n</tool_call>'
    assert read(HERMES, f"{bad}\n{good}", 5) == (bad, [("weather", PARIS)])


def test_constrained_arguments_arrive_as_they_are_written() -> None:
    parser = CallParser(HERMES, NAMES, constrained=True, new_id=lambda: "id")
    assert parser.add('<tool_call>\n{"name": "weather", "argum') == []
    assert parser.add('ents": ') == [ToolCallDelta(index=0, id="id", name="weather")]
    assert parser.add('{"city": "Pa') == [ToolCallDelta(index=0, arguments='{"city": "Pa')]
    assert parser.add('ris"}}\n</tool') == [ToolCallDelta(index=0, arguments='ris"}')]
    assert parser.add("_call>") == []
    assert parser.flush() == []


@pytest.mark.parametrize("call_format", FORMATS, ids=lambda each: each.name)
def test_a_format_reads_what_it_writes(call_format: CallFormat) -> None:
    syntax = call_format.written
    calls = [
        syntax.call.replace("$name", name).replace("$arguments", arguments)
        for name, arguments in [("weather", PARIS), ("now", TRICKY)]
    ]
    answer = syntax.opening + syntax.separator.join(calls) + syntax.closing
    assert read(call_format, answer, 3) == ("", [("weather", PARIS), ("now", TRICKY)])
    assert json.loads(TRICKY)
