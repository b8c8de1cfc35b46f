"""Runs the calls of a client in Python and prints one line of JSON for each."""

import json
import sys
from collections.abc import Callable

Call = Callable[[], str]
_calls: list[tuple[str, Call]] = []

# A schema whose documents are short, so that a model that knows nothing finishes one.
UNIT = {
    "type": "object",
    "properties": {"unit": {"type": "string", "enum": ["C", "F"]}},
    "required": ["unit"],
    "additionalProperties": False,
}


def call(name: str) -> Callable[[Call], Call]:
    """Registers a function that makes one call, checks what came back, and describes it."""

    def register(function: Call) -> Call:
        _calls.append((name, function))
        return function

    return register


def check(condition: object, what: str) -> None:
    """Fails the call unless the condition holds."""
    if not condition:
        raise AssertionError(what)


def run_all() -> None:
    """Makes the calls in order."""
    for name, function in _calls:
        try:
            text, ok = function(), True
        except Exception as error:
            text, ok = f"{type(error).__name__}: {error}"[:300], False
        print(json.dumps({"call": name, "result": text, "ok": ok}), flush=True)


def base_url() -> str:
    """The gateway's address."""
    return sys.argv[1]
