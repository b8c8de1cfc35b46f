"""Grammars in the form that llguidance compiles: a list, of which the first refers to the others.

https://github.com/guidance-ai/llguidance/blob/main/docs/syntax.md describes both forms.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llguidance import LLMatcher

from model_server.engine import StructuredOutput
from model_server.errors import InvalidRequest
from model_server.text.json_text import parse_json

# Between the parts of a JSON document: a space, or a line break with an indent. Any whitespace at
# all would let a weak model add whitespace until its tokens run out.
_JSON_SPACE = r"( |\n {0,16})?"
_JSON_OPTIONS: Any = {"whitespace_pattern": _JSON_SPACE, "lenient": False}

# What describes properties of the same object in another place.
_ELSEWHERE = frozenset(
    "$ref $dynamicRef allOf anyOf oneOf if dependentSchemas unevaluatedProperties".split()
)
# The longest schema or grammar. Larger ones than this are seldom written by anyone, and each costs
# the time to compile it.
MAX_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Grammar:
    """One grammar, and the request's field that it comes from."""

    field: str
    value: object
    definition: dict[str, Any]

    @property
    def text(self) -> str:
        """The grammar by itself."""
        return grammar_text([self.definition])


def grammar_text(grammars: Sequence[dict[str, Any]]) -> str:
    """The grammars as llguidance takes them."""
    return json.dumps({"grammars": grammars})


def json_schema(field_name: str, schema: object) -> Grammar:
    """JSON documents that satisfy a schema."""
    if isinstance(schema, bool):
        # llguidance takes objects; `{}` and `{"not": {}}` mean the same.
        schema = {} if schema else {"not": {}}
    if not isinstance(schema, dict):
        raise InvalidRequest(field_name, schema, "is not a JSON Schema: an object or a boolean")
    if _has_multiple_of(schema):
        raise InvalidRequest(field_name, schema, "cannot be honored: multipleOf; leave it out")
    try:
        text = LLMatcher.grammar_from_json_schema(schema, overrides=_JSON_OPTIONS)
    except ValueError as error:
        # An integer of more than 64 bits, or half of a surrogate pair.
        raise InvalidRequest(field_name, schema, f"cannot be honored: {error}") from error
    return Grammar(field_name, schema, json.loads(text)["grammars"][0])


def arguments_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a tool's arguments: an object, by the tool's own schema.

    It is closed where it lists all properties: others would fail where the tool is called. Those of
    a reference or an alternative are not listed, so that it would exclude these as well.
    """
    listed = not parameters or "properties" in parameters
    closed = listed and not _ELSEWHERE & parameters.keys()
    return (
        {"type": "object"} | ({"additionalProperties": False} if closed else {}) | dict(parameters)
    )


def _has_multiple_of(schema: object) -> bool:
    """Whether a number has to be a multiple: llguidance takes minutes, and holds Python's lock."""
    if isinstance(schema, list):
        return any(map(_has_multiple_of, schema))
    if not isinstance(schema, dict):
        return False
    # A property of that name has a schema, no number.
    return isinstance(schema.get("multipleOf"), int | float) or any(
        map(_has_multiple_of, schema.values())
    )


def structured(output: StructuredOutput) -> Grammar:
    """What the text of an answer has to match.

    A grammar has to be in Lark.

    Raises:
        InvalidRequest: it is no JSON, or too long.
    """
    name = "structured_output"
    check_length(output)
    if output.json_schema is not None:
        return json_schema(f"{name}.json_schema", _parse_json(output.json_schema))
    if output.json_object:
        return json_schema(f"{name}.json_object", {"type": "object"})
    if output.regex is not None:
        return _lark(f"{name}.regex", output.regex, _regex_rule(output.regex))
    if output.grammar is not None:
        return _lark(f"{name}.grammar", output.grammar, output.grammar)
    texts = " | ".join(map(quote, output.choice))
    return _lark(f"{name}.choice", list(output.choice), f"start: {texts}")


def check_length(output: StructuredOutput) -> None:
    """Check the length of what a client wrote, before anything reads it.

    Raises:
        InvalidRequest: it is too long.
    """
    for name in ("json_schema", "regex", "grammar"):
        size_bytes = len((getattr(output, name) or "").encode())
        if size_bytes > MAX_BYTES:
            raise InvalidRequest(
                f"structured_output.{name}",
                getattr(output, name)[:MAX_BYTES],
                f"has {size_bytes} bytes; shorten it to at most {MAX_BYTES} bytes",
            )


def quote(text: str) -> str:
    """A text as a literal of Lark."""
    return json.dumps(text, ensure_ascii=False)


def _lark(field_name: str, value: object, lark: str) -> Grammar:
    return Grammar(field_name, value, {"lark_grammar": lark})


def _regex_rule(regex: str) -> str:
    text = regex.removeprefix("^")
    # The whole answer is matched in any case; an escaped $ is a character.
    if text.endswith("$") and (len(text) - len(text[:-1].rstrip("\\"))) % 2 == 1:
        text = text[:-1]
    return str(json.loads(LLMatcher.grammar_from_regex(text))["grammars"][0]["lark_grammar"])


def _parse_json(text: str) -> object:
    try:
        return parse_json(text)
    except ValueError as error:
        raise InvalidRequest(
            "structured_output.json_schema", text, f"is not JSON: {error}"
        ) from error
