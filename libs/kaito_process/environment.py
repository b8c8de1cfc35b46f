"""Settings from environment variables. Every error names variable, value and remedy."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

Value = TypeVar("Value")
Option = TypeVar("Option", bound=str)

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")
# A year. Longer times overflow timedelta and gRPC's deadlines, and mean "no limit".
MAX_SECONDS = 365 * 24 * 3600
# More digits than any bound here has: Python refuses to convert very long texts.
_MAX_DIGITS = 20
LOG_LEVELS = ("debug", "info", "warning", "error")


class SettingError(ValueError):
    """A variable is missing, or its value cannot be used."""

    def __init__(self, name: str, value: str | None, remedy: str) -> None:
        shown = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"{name} {shown}: {remedy}")


@dataclass(frozen=True, slots=True)
class Environment:
    """Typed access to `variables`. An empty variable counts as unset and has its `default`.
    An empty flag is false.

    Raises:
        SettingError: from every method, if the value is invalid, or if a variable without a
            default is unset.
    """

    variables: Mapping[str, str]

    def text(self, name: str, default: str | None = None) -> str:
        given = self.variables.get(name, "")
        if given and not given.strip():
            raise SettingError(name, given, "set a value that is not blank, or leave it out")
        value = given.strip() or default
        if value is None:
            raise SettingError(
                name, self.variables.get(name), "set it, or the chart's value of the same name"
            )
        return value

    def path(self, name: str, default: str) -> Path:
        return Path(self.text(name, default))

    def integer(
        self, name: str, default: int, *, minimum: int = 0, maximum: int = 2**31 - 1
    ) -> int:
        value = self.text(name, str(default))
        digits = value.removeprefix("-")
        is_number = digits.isdecimal() and len(digits) <= _MAX_DIGITS
        if not is_number or not minimum <= int(value) <= maximum:
            raise SettingError(name, value, f"set a whole number from {minimum} to {maximum}")
        return int(value)

    def port(self, name: str, default: int) -> int:
        """A TCP port; 0 lets the kernel choose a free one."""
        return self.integer(name, default, maximum=65535)

    def seconds(self, name: str, default: float, *, minimum: float = 0.0) -> float:
        value = self.text(name, str(default))
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if not minimum <= seconds <= MAX_SECONDS:
            remedy = f"set a number of seconds, at least {minimum:g} and at most {MAX_SECONDS}"
            raise SettingError(name, value, remedy)
        return seconds

    def duration(self, name: str, default_seconds: float, *, minimum: float = 1.0) -> timedelta:
        """A variable that holds seconds, as a timedelta."""
        return timedelta(seconds=self.seconds(name, default_seconds, minimum=minimum))

    def flag(self, name: str, default: bool) -> bool:
        value = self.variables.get(name, str(default)).strip().lower()
        if value not in _TRUE + _FALSE:
            raise SettingError(name, value, "set true or false")
        return value in _TRUE

    def choice(self, name: str, options: Iterable[Option], default: Option) -> Option:
        """One of `options`, a StrEnum or some strings, in any case."""
        known = list(options)
        value = self.text(name, default).lower()
        for option in known:
            if option == value:
                return option
        raise SettingError(name, value, f"set one of {', '.join(known)}")

    def log_level(self, name: str) -> str:
        return self.choice(name, LOG_LEVELS, "info")

    def comma_separated(self, name: str) -> tuple[str, ...]:
        """A comma-separated list."""
        parts = (part.strip() for part in self.variables.get(name, "").split(","))
        return tuple(part for part in parts if part)

    def json_object(self, name: str, default: Mapping[str, Any]) -> Mapping[str, Any]:
        value: Mapping[str, Any] = self._json(
            name, dict, default, 'a JSON object, for example {"KEY": "value"}'
        )
        return value

    def json_strings(self, name: str) -> tuple[str, ...]:
        """A JSON list of strings."""
        found = self._json(name, list, [], 'a JSON list, for example ["one", "two"]')
        if not all(isinstance(item, str) for item in found):
            raise SettingError(name, self.text(name), 'set a JSON list of strings, like ["one"]')
        return tuple(found)

    def parsed(self, name: str, parse: Callable[[str], Value], default: str) -> Value:
        """The result of `parse`. The text of its ValueError becomes the remedy."""
        value = self.text(name, default)
        try:
            return parse(value)
        except ValueError as error:
            raise SettingError(name, value, str(error)) from None

    def _json(self, name: str, form: type, default: Any, example: str) -> Any:
        text = self.text(name, "")
        if not text:
            return default
        try:
            found = json.loads(text)
        except (json.JSONDecodeError, RecursionError):
            found = None
        if not isinstance(found, form):
            raise SettingError(name, text, f"set {example}")
        return found
