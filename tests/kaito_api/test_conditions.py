"""Conditions: transition times, merging and parsing."""

from datetime import UTC, datetime, timedelta

import pytest

from kaito_api import conditions
from kaito_api.conditions import MAX_MESSAGE
from kaito_api.reasons import Reason

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T1 = T0 + timedelta(minutes=1)


def test_transition_time_is_the_time_of_the_status_change() -> None:
    first = conditions.merge((), [conditions.false("Ready", Reason.LAUNCH_PENDING, "a")], T0)
    same = conditions.merge(first, [conditions.false("Ready", Reason.LAUNCH_QUEUED, "b")], T1)
    changed = conditions.merge(same, [conditions.true("Ready", Reason.READY)], T1)
    assert first[0]["lastTransitionTime"] == same[0]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert (same[0]["reason"], same[0]["message"]) == ("LaunchQueued", "b")
    assert changed[0]["lastTransitionTime"] == "2026-01-01T00:01:00Z"


def test_transition_time_that_lies_ahead_is_replaced() -> None:
    """Written while the clock was wrong. A timeout since then would wait for the clock as well."""
    ahead = conditions.merge((), [conditions.true("Ready", Reason.READY)], T0 + timedelta(hours=1))
    (corrected,) = conditions.merge(ahead, [conditions.true("Ready", Reason.READY)], T0)
    assert corrected["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    (kept,) = conditions.merge([corrected], [conditions.true("Ready", Reason.READY)], T0)
    assert kept == corrected


def test_undesired_conditions_are_dropped() -> None:
    before = conditions.merge(
        (), [conditions.true("A", Reason.READY), conditions.true("B", Reason.READY)], T0
    )
    after = conditions.merge(before, [conditions.true("B", Reason.READY)], T1)
    assert [c["type"] for c in after] == ["B"]


def test_observed_generation_is_optional() -> None:
    assert (
        "observedGeneration"
        not in conditions.merge((), [conditions.true("A", Reason.READY)], T0)[0]
    )
    assert (
        conditions.merge((), [conditions.true("A", Reason.READY)], T0, 3)[0]["observedGeneration"]
        == 3
    )


def test_long_message_is_cut_at_the_end() -> None:
    message = conditions.merge((), [conditions.false("A", Reason.READY, "m" * 5000)], T0)[0][
        "message"
    ]
    assert message == "m" * MAX_MESSAGE


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"conditions": [{"type": "Ready", "status": "True"}]}, True),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, False),
        ({"conditions": [{"type": "Other", "status": "True"}]}, False),
        ({"conditions": None}, False),
        ({}, False),
    ],
    ids=["true", "false", "another type", "null", "no conditions"],
)
def test_is_true_reads_a_status(status: dict[str, object], expected: bool) -> None:
    assert conditions.is_true({"status": status}, "Ready") is expected


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z"])
def test_time_is_parsed_with_and_without_fractions(text: str) -> None:
    assert conditions.parse_time(text) == T0
    assert conditions.rfc3339(T0) == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00", "2026-01-01", "soon", ""])
def test_a_text_that_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        conditions.parse_time(text)
