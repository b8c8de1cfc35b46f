"""Reads settings from environment variables; every error names variable, value and remedy."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")


class SettingError(ValueError):
    """A variable that is missing or cannot be what it is set to."""

    def __init__(self, name: str, value: str | None, remedy: str) -> None:
        shown = "is not set" if value is None else f"is {value!r}"
        super().__init__(f"{name} {shown}: {remedy}")


@dataclass(frozen=True, slots=True)
class Environment:
    variables: Mapping[str, str]

    def text(self, name: str, default: str | None = None, *, empty: bool = False) -> str:
        """The variable, or the default; an empty one counts as unset unless `empty` is fine."""
        value = self.variables.get(name, "")
        if value or empty:
            return value or default or ""
        if default is None:
            raise SettingError(name, None, "set it; the chart's values of the same name do")
        return default

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        value = self.variables.get(name) or str(default)
        if not value.removeprefix("-").isdecimal() or not least <= int(value) <= most:
            raise SettingError(name, value, f"set a whole number from {least} to {most}")
        return int(value)

    def port(self, name: str, default: int) -> int:
        return self.number(name, default, least=1, most=65535)

    def seconds(self, name: str, default: int) -> timedelta:
        return timedelta(seconds=self.number(name, default, least=1))

    def flag(self, name: str, default: bool) -> bool:
        value = self.variables.get(name, str(default)).lower()
        if value not in _TRUE + _FALSE:
            raise SettingError(name, value, "set true or false")
        return value in _TRUE

    def choice(self, name: str, options: Sequence[str], default: str) -> str:
        value = (self.variables.get(name) or default).lower()
        if value not in options:
            raise SettingError(name, value, f"set one of {', '.join(options)}")
        return value

    def mapping(self, name: str, default: Mapping[str, Any]) -> Mapping[str, Any]:
        """A JSON object."""
        value = self.variables.get(name)
        if not value:
            return default
        try:
            found = json.loads(value)
        except json.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise SettingError(name, value, 'set a JSON object, for example {"KEY": "value"}')
        return found

    def words(self, name: str) -> tuple[str, ...]:
        """A comma-separated list."""
        parts = (part.strip() for part in self.variables.get(name, "").split(","))
        return tuple(part for part in parts if part)
