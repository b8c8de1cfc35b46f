"""What a constrained answer may be, for each format, with and without special tokens for it."""

from collections.abc import Callable
from typing import Any

import pytest
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from tokenizers import AddedToken

from model_server.constraints.call_grammar import call_grammar
from model_server.constraints.grammar import Grammar, grammar_text, json_schema
from model_server.tool_calls.call_format import CallFormat
from model_server.tool_calls.formats import FORMATS, HERMES, LLAMA
from tests.model_server.tiny_model import make_tokenizer

WEATHER = json_schema(
    "chat.tools[0].parameters",
    {
        "type": "object",
        "properties": {"city": {"enum": ["Paris", "Rome"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
)
NOW = json_schema("chat.tools[1].parameters", {"type": "object", "additionalProperties": False})
ANSWER = json_schema("structured_output.json_schema", {"const": {"answer": 42}})
PARIS, NO_ARGUMENTS = '{"city": "Paris"}', "{}"


class Checker:
    """Says whether a whole answer, as its tokens, matches a grammar."""

    def __init__(self, special: tuple[str, ...]) -> None:
        self._tokenizer = make_tokenizer()
        self._tokenizer.add_tokens([AddedToken(text, special=True) for text in special])
        self._end: int = self._tokenizer.eos_token_id
        self._matching: LLTokenizer = from_tokenizer(self._tokenizer, eos_token=[self._end])

    def special(self, text: str) -> int | None:
        token = self._tokenizer.get_added_vocab().get(text)
        return token if token is not None and self._matching.is_special_token(token) else None

    def accepts(self, grammars: list[dict[str, Any]], answer: str) -> bool:
        matcher = LLMatcher(self._matching, grammar_text(grammars), log_level=0)
        assert not matcher.is_error(), matcher.get_error()
        tokens = [*self._tokenizer(answer)["input_ids"], self._end]
        return bool(matcher.validate_tokens(tokens) == len(tokens))


Grammars = Callable[..., list[dict[str, Any]]]


@pytest.fixture(params=[True, False], ids="special text".split())
def checked(request: pytest.FixtureRequest, call_format: CallFormat) -> tuple[Checker, Grammars]:
    checker = Checker(call_format.markers if request.param else ())

    def grammars(answer: Grammar | None = None, **options: bool) -> list[dict[str, Any]]:
        tools = [("weather", WEATHER), ("now", NOW)]
        given = {"required": False, "single": False, **options}
        return call_grammar(call_format, tools, answer, special=checker.special, **given)

    return checker, grammars


def write(call_format: CallFormat, *calls: tuple[str, str]) -> str:
    syntax = call_format.written
    texts = [
        syntax.call.replace("$name", name).replace("$arguments", arguments)
        for name, arguments in calls
    ]
    return syntax.opening + syntax.separator.join(texts) + syntax.closing


each_format = pytest.mark.parametrize("call_format", FORMATS, ids=lambda each: each.name)


@each_format
def test_an_answer_may_be_valid_calls_or_text(
    checked: tuple[Checker, Grammars], call_format: CallFormat
) -> None:
    checker, grammars = checked
    one = write(call_format, ("weather", PARIS))
    both = write(call_format, ("weather", PARIS), ("now", NO_ARGUMENTS))
    for answer in ("", "It is <b>raining</b>.\n\nBye", one, both):
        assert checker.accepts(grammars(), answer)
    for answer in (
        write(call_format, ("weather", '{"city": "London"}')),
        write(call_format, ("weather", "{}")),
        write(call_format, ("unknown", "{}")),
        one[: one.index("Paris")],
    ):
        assert not checker.accepts(grammars(), answer)
    if not call_format.anchored:
        assert checker.accepts(grammars(), f"Let me see.\n{one}")


@each_format
def test_a_required_call_allows_no_other_answer(
    checked: tuple[Checker, Grammars], call_format: CallFormat
) -> None:
    checker, grammars = checked
    one = write(call_format, ("weather", PARIS))
    both = write(call_format, ("weather", PARIS), ("now", NO_ARGUMENTS))
    for answer in (one, both):
        assert checker.accepts(grammars(required=True), answer)
    for answer in ("", "It rains.", f"Well. {one}"):
        assert not checker.accepts(grammars(required=True), answer)


@each_format
@pytest.mark.parametrize("required", [True, False])
def test_a_single_call_is_the_last(
    checked: tuple[Checker, Grammars], call_format: CallFormat, required: bool
) -> None:
    checker, grammars = checked
    single = grammars(required=required, single=True)
    assert checker.accepts(single, write(call_format, ("weather", PARIS)))
    both = write(call_format, ("weather", PARIS), ("now", NO_ARGUMENTS))
    assert not checker.accepts(single, both)


@each_format
def test_an_answer_is_a_call_or_what_is_structured(
    checked: tuple[Checker, Grammars], call_format: CallFormat
) -> None:
    checker, grammars = checked
    structured = grammars(ANSWER)
    assert checker.accepts(structured, '{"answer": 42}')
    assert checker.accepts(structured, write(call_format, ("now", NO_ARGUMENTS)))
    assert not checker.accepts(structured, "42")
    assert not checker.accepts(grammars(ANSWER, required=True), '{"answer": 42}')


@pytest.mark.parametrize("call_format", [HERMES, LLAMA], ids=lambda each: each.name)
def test_names_are_text_even_if_they_look_like_syntax(call_format: CallFormat) -> None:
    checker = Checker(())
    grammars = call_grammar(
        call_format,
        [("a.b-c_d", NOW)],
        None,
        required=True,
        single=True,
        special=checker.special,
    )
    assert checker.accepts(grammars, write(call_format, ("a.b-c_d", "{}")))
