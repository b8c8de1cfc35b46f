"""The grammar of an answer that calls tools, in the format of the model's family."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from model_server.constraints.grammar import Grammar, quote
from model_server.tool_calls.call_format import CallFormat

# The lexemes of JSON. A lexer takes the longest one that begins like the text and does not return:
# `{"name"` in one piece would exclude all other objects where calls are one alternative of two.
_LEXEMES = re.compile(r'"[^"]*"|[{}\[\]:,]|\s+|[^\s"{}\[\]:,]+')
# The id of a special token, by its text; None for a text that is no special token.
SpecialToken = Callable[[str], int | None]


def call_grammar(
    call_format: CallFormat,
    tools: Sequence[tuple[str, Grammar]],
    answer: Grammar | None,
    *,
    required: bool,
    single: bool,
    special: SpecialToken,
) -> list[dict[str, Any]]:
    """Grammars of which the first refers to the others.

    `tools` are names with the grammars of their arguments. Unless a call is `required`, the model
    may answer with text: any text, or one that matches `answer`.
    """
    rules = _Rules(call_format, [name for name, _ in tools], single, special)
    if required:
        start = rules.required()
    elif answer:
        start = [*rules.required("calls"), "start: calls | @answer"]
    else:
        start = rules.optional()
    named = [
        {"name": f"arguments_{at}"} | _unnamed(grammar) for at, (_, grammar) in enumerate(tools)
    ]
    if answer and not required:
        named.append({"name": "answer"} | _unnamed(answer))
    return [{"lark_grammar": "\n".join(start)}, *named]


def _unnamed(grammar: Grammar) -> dict[str, Any]:
    return {key: value for key, value in grammar.definition.items() if key != "name"}


class _Rules:
    """Rules in Lark for one format and one list of tools."""

    def __init__(
        self, call_format: CallFormat, names: Sequence[str], single: bool, special: SpecialToken
    ) -> None:
        self._format = call_format
        self._syntax = call_format.written
        self._names = names
        self._single = single
        self._special = special

    def required(self, rule: str = "start") -> list[str]:
        """Nothing but calls."""
        return [f"{rule}: {self._literal(self._syntax.opening)} {self._list()}", self._call("")]

    def optional(self) -> list[str]:
        """Calls, or any text; where each call has a mark of its own, also text between them."""
        if self._format.anchored:
            return [
                f"start: {self._mark()} {self._list()} | text",
                # What begins like a call is one.
                r"text: /(\s*[^\s{](.|\n)*)?/",
                self._call(""),
            ]
        mark = self._format.markers[0]
        token = self._special(mark)
        trigger = f"TEXT <[{token}]>" if token is not None else f"TEXT {quote(mark)}"
        lazy = "" if token is not None else "[lazy]"
        opening = self._syntax.opening
        if opening:
            body = f"{self._literal(opening.removeprefix(mark))} {self._list()}"
            call = self._call("")
        else:
            body, call = "call", self._call(mark)
        start = (
            "(trigger body)* text" if not opening and not self._single else "trigger body | text"
        )
        return [
            f"start: {start}",
            "text: TEXT",
            r"TEXT: /(.|\n)*/",
            f"trigger{lazy}: {trigger}",
            f"body: {body}",
            call,
        ]

    def _mark(self) -> str:
        """A mark that an anchored call may begin with."""
        tokens = [self._special(marker) for marker in self._format.markers]
        return " ".join(f"(<[{token}]>)?" for token in tokens if token is not None)

    def _list(self) -> str:
        more = "" if self._single else f"({self._literal(self._syntax.separator)} call)*"
        return f"call {more} {self._literal(self._syntax.closing)}"

    def _call(self, mark: str) -> str:
        """A call of any of the tools, whose `mark` was read already."""
        syntax = self._syntax
        before, after = syntax.before_name.removeprefix(mark), syntax.before_arguments
        end = self._literal(syntax.after_arguments)
        calls = [
            f"{self._literal(before + name + after)} @arguments_{at} {end}"
            for at, name in enumerate(self._names)
        ]
        return "call: " + "\n    | ".join(calls)

    def _literal(self, text: str) -> str:
        """The text, with special tokens for its markers."""
        if not text:
            return ""
        pattern = "|".join(map(re.escape, self._format.markers))
        pieces = []
        for piece in re.split(f"({pattern})", text):
            token = self._special(piece) if piece in self._format.markers else None
            if token is not None:
                pieces.append(f"<[{token}]>")
            else:
                pieces += map(quote, _LEXEMES.findall(piece))
        return " ".join(pieces)
