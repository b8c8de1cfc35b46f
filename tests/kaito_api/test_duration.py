"""Durations in Go's form."""

from datetime import timedelta

import pytest

from kaito_api.duration import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("720h", timedelta(days=30)),
        ("1h30m", timedelta(minutes=90)),
        ("45s", timedelta(seconds=45)),
        ("1.5h", timedelta(minutes=90)),
        ("300ms", timedelta(milliseconds=300)),
        ("0s", timedelta()),
    ],
)
def test_what_go_reads(text: str, expected: timedelta) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "Never", "720", "1d", "-5m", "h", "5m ", "9999999999h"])
def test_what_is_none_is_refused_by_its_own_words(text: str) -> None:
    with pytest.raises(ValueError, match="duration") as refused:
        parse(text)
    assert repr(text) in str(refused.value)
