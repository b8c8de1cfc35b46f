"""Which arguments of a tool its schema allows."""

from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer

from model_server.constraints.compilation import compile_grammar
from model_server.constraints.grammar import arguments_schema, json_schema
from tests.model_server.tiny_model import make_tokenizer

_ABC = {"properties": {"abc": {"enum": ["x"]}}, "required": ["abc"]}


@pytest.fixture(scope="module")
def tokenizer() -> LLTokenizer:
    return LLTokenizer(make_tokenizer().backend_tokenizer.to_str(), eos_token=0)


@pytest.mark.parametrize(
    ("parameters", "allowed", "excluded"),
    [
        (_ABC, '{"abc":"x"}', '{"abc":"x","d":1}'),
        ({}, "{}", '{"d":1}'),
        ({"type": "object", "properties": {}}, "{}", '{"d":1}'),
        ({"type": "object"}, '{"d":1}', "1"),
        ({"$ref": "#/$defs/A", "$defs": {"A": _ABC}}, '{"abc":"x"}', "{}"),
        ({"oneOf": [_ABC]}, '{"abc":"x"}', "{}"),
        ({"anyOf": [_ABC]}, '{"abc":"x"}', "{}"),
        ({"allOf": [_ABC], "properties": {"e": {}}}, '{"abc":"x","e":1}', "{}"),
        ({"additionalProperties": {"type": "integer"}}, '{"d":1}', '{"d":"x"}'),
    ],
)
def test_arguments_follow_the_schema(
    tokenizer: LLTokenizer, parameters: dict[str, Any], allowed: str, excluded: str
) -> None:
    grammar = json_schema("parameters", arguments_schema(parameters)).text

    def accepts(arguments: str) -> bool:
        matcher: LLMatcher = compile_grammar(tokenizer, grammar)
        tokens = tokenizer.tokenize_str(arguments)
        return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())

    assert accepts(allowed)
    assert not accepts(excluded)
