"""`chat` streams the answer of the OpenAI API through the API server."""

import json
from typing import Any

import pytest

from kaito_kube.errors import Throttled
from kaito_kube.kinds import Key
from tests.kubectl_kaito.reconciled import Reconciled, reconciled
from tests.workspace_controller.given import inference_workspace

WS = Key("team", "ws")


def event(text: str) -> str:
    return "data: " + json.dumps({"choices": [{"delta": {"content": text}}]})


def ready(*answers: list[str]) -> Reconciled:
    made = reconciled(inference_workspace())
    made.cluster.answers = list(answers)
    return made


def asked(made: Reconciled) -> list[Any]:
    return [body["messages"] for _, _, body in made.cluster.posts]


def test_a_question_is_answered_as_it_streams() -> None:
    made = ready([": keep-alive", event("Paris"), "", event(" is it."), "data: [DONE]"])
    result = made.console.run("chat", "ws", "What is the capital of France?")
    assert (result.code, result.out) == (0, "Paris is it.\n")
    ((service, path, body),) = made.cluster.posts
    assert (service, path) == (WS, "http/v1/chat/completions")
    assert body["stream"] is True


def test_lines_of_stdin_are_one_conversation() -> None:
    made = ready([event("A"), "data: [DONE]"], [event("B"), "data: [DONE]"])
    made.console.stdin = "first\n\nsecond\n"
    assert made.console.run("chat", "ws").out == "A\nB\n"
    assert asked(made)[1] == [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "A"},
        {"role": "user", "content": "second"},
    ]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([event("a"), 'data: {"error": {"message": "out of memory"}}'], "error: out of memory"),
        ([event("a")], "ended in the middle"),
        (["data: <html>"], "is not JSON: <html>"),
    ],
    ids=["error", "cut", "no JSON"],
)
def test_an_answer_that_breaks_off_is_a_failure(lines: list[str], text: str) -> None:
    result = ready(lines).console.run("chat", "ws", "hello")
    assert result.code == 1
    assert text in result.err


def test_control_characters_of_a_model_are_not_obeyed() -> None:
    made = ready([event("\x1b[2Jred"), "data: [DONE]"])
    assert made.console.run("chat", "ws", "hello").out == "[2Jred\n"


def test_a_full_queue_is_said_in_the_gateways_words() -> None:
    made = ready()
    made.cluster.post_error = Throttled("the queue is full")
    result = made.console.run("chat", "ws", "hello")
    assert (result.code, result.err) == (3, "error: the queue is full\n")


def test_a_model_that_does_not_answer_yet_is_not_asked() -> None:
    made = Reconciled().apply(inference_workspace()).rounds(2)
    result = made.console.run("chat", "ws", "hello")
    assert result.code == 1
    assert "kubectl kaito why ws -n team" in result.err
    assert made.cluster.posts == []
