"""Durations in Go's format."""

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
def test_duration_is_parsed(text: str, expected: timedelta) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize("text", ["", "Never", "720", "1d", "-5m", "h", "5m ", "9999999999h"])
def test_invalid_duration_is_an_error_that_names_it(text: str) -> None:
    with pytest.raises(ValueError, match="duration") as error:
        parse(text)
    assert repr(text) in str(error.value)
