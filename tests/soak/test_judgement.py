"""How the soak judges answers, reads streams and measures memory."""

import json

import pytest

from tests.soak.answers import MIXED, RIGHT, WRONG, Answers
from tests.soak.http_apis import APIS, events_of
from tests.soak.memory import slope_mb_per_hour
from tests.soak.outcomes import Outcomes
from tests.soak.question import Question

MINE = Question("a/one", "", "What is it?", is_chat=False)
OTHER = Question("b/two", "", "What is it?", is_chat=False)
ANSWERS = Answers({MINE: "It is Tokyo.", OTHER: "Arr!"})


@pytest.mark.parametrize(
    ("answer", "is_whole", "verdict"),
    [
        ("It is Tokyo.", True, RIGHT),
        ("Arr!", True, MIXED),
        ("It is Lima.", True, WRONG),
        ("It is", True, WRONG),
        ("It is", False, RIGHT),
        ("", False, RIGHT),
        ("Arr!", False, MIXED),
        ("Ar", False, WRONG),
    ],
)
def test_answers_are_right_mixed_or_wrong(answer: str, is_whole: bool, verdict: str) -> None:
    assert ANSWERS.judge(MINE, answer, is_whole=is_whole) == verdict


def test_events_that_are_complete_are_read() -> None:
    events = [{"a": 1}, {"a": 2}]
    text = ": comment\n\n" + "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    assert list(events_of(text + "data: [DONE]\n\ndata: {")) == events


def test_a_chunk_without_choices_has_no_text() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 1}}
    streams = [api for api in APIS if api.streams and api.path.startswith("/v1/")]
    assert [api.text(usage) for api in streams] == ["", ""]


def test_memory_is_measured_after_the_warm_up() -> None:
    warming = [(float(second), 100.0 + 10 * second) for second in range(0, 1200, 60)]
    steady = [(float(second), 300.0 + (second - 1200) / 3600) for second in range(1200, 3600, 60)]
    assert slope_mb_per_hour([*warming, *steady]) == pytest.approx(1.0)
    assert slope_mb_per_hour([(0.0, 5.0)]) == 0.0


def test_only_errors_of_healthy_models_fail_a_soak() -> None:
    outcomes = Outcomes()
    outcomes.answer("/chat", RIGHT, "")
    outcomes.error("/chat", "503", allowed=True)
    assert not outcomes.failed
    outcomes.error("/chat", "503", allowed=False)
    assert outcomes.failed
    assert outcomes.lines()[-1] == (
        "soak: 3 requests, 1 right, 0 hung up, 0 wrong, 0 mixed, 1 errors on healthy models"
    )
