"""Whether two answers are those of the same model, also where a server gives no numbers."""

from typing import Any

import pytest

from model_server.text_generation_server.adapter_probe import is_same_model


def answer(*tokens: tuple[int, float | None]) -> dict[str, Any]:
    return {"details": {"tokens": [{"id": id_, "logprob": logprob} for id_, logprob in tokens]}}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (answer((1, -0.5)), answer((1, -0.501)), True),
        (answer((1, -0.5)), answer((1, -0.9)), False),
        (answer((1, None)), answer((1, -0.5)), True),
        (answer((1, None)), answer((1, None)), True),
        (answer((1, None)), answer((2, None)), False),
        (answer((1, None), (2, -0.5)), answer((1, None), (2, -0.9)), False),
        (answer((1, None)), answer((1, None), (2, None)), False),
        ({"details": {"tokens": [{"id": 1}]}}, answer((1, -0.5)), True),
    ],
)
def test_tokens_and_their_numbers_decide(one: Any, other: Any, expected: bool) -> None:
    assert is_same_model(one, other) is expected
    assert is_same_model(other, one) is expected
