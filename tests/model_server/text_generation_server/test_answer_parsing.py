"""Events of a streamed answer become deltas, without the stop string and the special tokens."""

from collections.abc import Iterable
from math import inf
from typing import Any

import pytest

from model_server.engine import Delta, FinishReason, LikelyToken, TokenLogprob
from model_server.errors import GenerationFailed, InvalidRequest, Overloaded
from model_server.options import GenerationOptions
from model_server.text_generation_server.answer_parsing import ChoiceParser


def _token(text: str, *, special: bool = False, **more: Any) -> dict[str, Any]:
    token = {"id": len(text), "text": text, "logprob": -0.5, "special": special}
    return {"index": 1, "token": token, "generated_text": None, "details": None, **more}


def _last(
    text: str, whole: str, reason: str = "length", *, special: bool = False
) -> dict[str, Any]:
    details = {"finish_reason": reason, "generated_tokens": 3, "input_length": 7}
    return _token(text, special=special) | {"generated_text": whole, "details": details}


def _describe(token: int, logprob: float | None, top: Iterable[tuple[int, float]]) -> TokenLogprob:
    return TokenLogprob(
        LikelyToken(token, "", b"", logprob), tuple(LikelyToken(id_, "", b"", p) for id_, p in top)
    )


def _read(events: Iterable[dict[str, Any]], **options: Any) -> tuple[list[Delta], ChoiceParser]:
    """The deltas of an answer, read as long as the parser needs it."""
    parser = ChoiceParser(2, GenerationOptions(**options), _describe, field="input")
    deltas: list[Delta] = []
    for event in events:
        if delta := parser.parse(event):
            deltas.append(delta)
        if parser.is_done:
            break
    prompt_tokens = parser.prompt_tokens
    return [*deltas, parser.end(99 if prompt_tokens is None else prompt_tokens)], parser


def _text(deltas: Iterable[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


@pytest.mark.parametrize(
    ("events", "stop", "text", "reason"),
    [
        ([_token("A"), _token("h"), _last("oy", "Ahoy")], (), "Ahoy", FinishReason.LENGTH),
        (
            [_token("Ahoy"), _token("!"), _last("</s>", "Ahoy!", "eos_token", special=True)],
            (),
            "Ahoy!",
            FinishReason.STOP,
        ),
        (
            [_token("A"), _token("<unk>", special=True), _last("h", "Ah")],
            (),
            "Ah",
            FinishReason.LENGTH,
        ),
        # The server's text has the stop string.
        (
            [_token("Ah"), _token("oy"), _last("ST", "AhoyST", "stop_sequence")],
            ("ST",),
            "Ahoy",
            FinishReason.STOP,
        ),
        # The server does not see it in the middle of a token, or in place of its own end.
        ([_token("Ah"), _token("oSTy"), _token("never")], ("ST",), "Aho", FinishReason.STOP),
        ([_token("A"), _token("S"), _last("Tx", "ASTx")], ("ST",), "A", FinishReason.STOP),
        ([_token("A"), _token("h"), _last("S", "AhS")], ("ST",), "AhS", FinishReason.LENGTH),
        # Only the whole text has a character that is not complete.
        (
            [_token("A"), _token(""), _last("", "A\N{REPLACEMENT CHARACTER}")],
            (),
            "A\N{REPLACEMENT CHARACTER}",
            FinishReason.LENGTH,
        ),
        # A whole text that is none of the stream's adds nothing.
        ([_token(" A"), _last("h", "Ah")], (), " Ah", FinishReason.LENGTH),
    ],
    ids="length eos special stop middle end half character other".split(),
)
def test_text_and_reason(
    events: list[dict[str, Any]], stop: tuple[str, ...], text: str, reason: FinishReason
) -> None:
    deltas, _ = _read(events, stop=stop)
    assert _text(deltas) == text
    assert [delta.finish_reason for delta in deltas[:-1]] == [None] * (len(deltas) - 1)
    assert deltas[-1].finish_reason is reason
    assert {delta.index for delta in deltas} == {2}
    usage = deltas[-1].usage
    assert usage
    assert sum(delta.token_count for delta in deltas) == usage.completion_tokens


def test_the_usage_is_the_servers() -> None:
    deltas, _ = _read([_token("A"), _token("h"), _last("oy", "Ahoy")])
    usage = deltas[-1].usage
    assert usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (7, 3)


def test_an_answer_that_ends_before_the_servers_needs_the_prompts_tokens() -> None:
    deltas, parser = _read([_token("AST"), _token("never")], stop=("ST",))
    assert parser.prompt_tokens is None
    assert deltas[-1].usage
    assert (deltas[-1].usage.prompt_tokens, deltas[-1].usage.completion_tokens) == (99, 1)


def test_tokens_are_described_as_requested() -> None:
    top = [{"id": 8, "text": "", "logprob": -3.0, "special": False}]
    top += [{"id": 9, "text": "", "logprob": -1.0, "special": False}]
    events = [_token("A", top_tokens=top), _last("oy", "Aoy")]
    deltas, _ = _read(events, logprobs=True, top_logprobs=1, return_token_ids=True)
    assert [each.id for each in deltas[0].logprobs[0].top] == [9]
    assert [delta.token_ids for delta in deltas] == [(1,), (2,)]
    plain, _ = _read(events)
    assert not any(delta.logprobs or delta.token_ids for delta in plain)


@pytest.mark.parametrize(
    ("error", "type_", "says"),
    [
        (InvalidRequest, "validation", r"options\.top_p = '\.\.\.': the engine rejects it"),
        (Overloaded, "overloaded", "the engine is full"),
        (GenerationFailed, "generation", "the engine gave up the answer"),
        (GenerationFailed, "incomplete_generation", "the engine gave up the answer"),
    ],
)
def test_an_error_in_place_of_a_token_is_told(
    error: type[Exception], type_: str, says: str
) -> None:
    event = {"error": "Input validation error: `top_p` must be < 1.0", "error_type": type_}
    with pytest.raises(error, match=says):
        _read([event])
    # Part of an answer cannot be taken back.
    with pytest.raises(GenerationFailed, match="the engine gave up the answer"):
        _read([_token("A"), event])


@pytest.mark.parametrize(
    "events",
    [
        [],
        [_token("A")],
        [{}],
        [{"token": {"text": "A"}}],
        [_last("A", "A", "owl")],
        [_token("A") | {"generated_text": "A"}],
        [_last("A", "A") | {"details": {"finish_reason": "length", "generated_tokens": inf}}],
    ],
    ids="nothing no-end empty torn reason no-details infinite".split(),
)
def test_what_is_no_answer_is_an_error(events: list[dict[str, Any]]) -> None:
    with pytest.raises(GenerationFailed):
        _read(events)
