"""Settings from environment variables: values, defaults and errors."""

from datetime import timedelta

import pytest

from kaito_process.environment import Environment, SettingError

ENV = Environment(
    {
        "TEXT": "a",
        "EMPTY": "",
        "N": "7",
        "YES": "true",
        "WORDS": "a, b,,",
        "BAD": "--5",
        "ZERO": "0",
        "BIG": "70000",
        "LIST": "[1]",
        "LONG": "1e10",
        "DIGITS": "9" * 5000,
        "DEEP": "[" * 60_000,
    }
)


def test_variables_are_read() -> None:
    assert ENV.text("TEXT") == "a"
    assert ENV.integer("N", 1) == 7
    assert ENV.seconds("N", 1) == 7.0
    assert ENV.duration("N", 1) == timedelta(seconds=7)
    assert ENV.flag("YES", False) is True
    assert ENV.choice("TEXT", ("a", "b"), "b") == "a"
    assert ENV.comma_separated("WORDS") == ("a", "b")


def test_unset_variables_have_their_default() -> None:
    assert ENV.text("NONE", "d") == "d"
    assert ENV.text("EMPTY", "d") == "d"
    assert ENV.integer("NONE", 3) == 3
    assert ENV.flag("NONE", True) is True
    assert ENV.comma_separated("NONE") == ()


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: ENV.text("NONE"), "NONE is not set"),
        (lambda: ENV.text("EMPTY"), "EMPTY is ''"),
        (lambda: ENV.integer("TEXT", 1), "TEXT is 'a': set a whole number"),
        (lambda: ENV.integer("BAD", 1), "BAD is '--5'"),
        (lambda: ENV.integer("N", 1, maximum=6), "from 0 to 6"),
        (lambda: ENV.flag("N", True), "set true or false"),
        (lambda: ENV.choice("TEXT", ("x",), "x"), "set one of x"),
        (lambda: ENV.seconds("TEXT", 1), "TEXT is 'a': set a number of seconds"),
        (lambda: ENV.seconds("LONG", 1), "LONG is '1e10': .* at most 31536000"),
        (lambda: ENV.integer("DIGITS", 1), "DIGITS is '999"),
        (lambda: ENV.json_strings("DEEP"), "DEEP is .*set a JSON list"),
        (lambda: ENV.duration("ZERO", 1), "ZERO is '0': set a number of seconds, at least 1"),
        (lambda: ENV.port("BIG", 1), "BIG is '70000': set a whole number from 0 to 65535"),
        (lambda: ENV.json_object("LIST", {}), "LIST is '.1.': set a JSON object"),
        (lambda: ENV.json_strings("LIST"), "LIST is '.1.': set a JSON list of strings"),
        (lambda: ENV.parsed("TEXT", int, "1"), "TEXT is 'a': invalid literal"),
    ],
    ids=[
        "missing",
        "empty",
        "not a number",
        "two signs",
        "too large",
        "not a flag",
        "not an option",
        "not seconds",
        "too long",
        "too many digits",
        "nested too deep",
        "too short",
        "not a port",
        "not an object",
        "not a list of strings",
        "rejected by the parser",
    ],
)
def test_invalid_value_names_the_variable(read: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read()  # type: ignore[operator]
