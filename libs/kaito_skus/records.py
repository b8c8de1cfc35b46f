"""Reads typed values from YAML mappings. Every error names file, field and value."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TypeVar

import yaml

Option = TypeVar("Option", bound=StrEnum)


class DataError(ValueError):
    """A data file of this project is invalid: a bug that loading it reveals."""

    def __init__(self, file: str, field: str, value: object, problem: str) -> None:
        super().__init__(f"{file}: {field}: {value!r} {problem}")
        self.file = file
        self.field = field


class Record:
    """One mapping of a file. `finish` rejects the fields that were not read."""

    def __init__(self, file: str, values: object, path: str = "") -> None:
        if not isinstance(values, Mapping):
            raise DataError(file, path or "document", values, "is not a mapping")
        self.file = file
        self._values = values
        self._path = path
        self._read: set[str] = set()

    @classmethod
    def parse(cls, file: str, text: str) -> "Record":
        try:
            return cls(file, yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise DataError(file, "document", str(error), "is not YAML") from error

    def __contains__(self, field: str) -> bool:
        return field in self._values

    def error(self, field: str, problem: str) -> DataError:
        return DataError(self.file, self._name(field), self._values.get(field), problem)

    def text(self, field: str) -> str:
        value = self._take(field)
        if not isinstance(value, str) or not value:
            raise self.error(field, "is not a string")
        return value

    def flag(self, field: str) -> bool:
        value = self._take(field)
        if not isinstance(value, bool):
            raise self.error(field, "is not true or false")
        return value

    def integer(self, field: str, *, minimum: int = 1) -> int:
        value = self._take(field)
        # bool is a subclass of int, and `gpus: true` is a mistake.
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise self.error(field, f"is not a whole number of at least {minimum}")
        return value

    def number(self, field: str, *, minimum: float = 0) -> float:
        value = self._take(field)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < minimum:
            raise self.error(field, f"is not a number of at least {minimum}")
        return float(value)

    def choice(self, field: str, kind: type[Option]) -> Option:
        try:
            return kind(self.text(field))
        except ValueError:
            raise self.error(field, f"is not one of {', '.join(kind)}") from None

    def choices(self, field: str, kind: type[Option]) -> tuple[Option, ...]:
        try:
            return tuple(kind(text) for text in self.texts(field))
        except ValueError:
            raise self.error(field, f"contains something other than {', '.join(kind)}") from None

    def texts(self, field: str) -> tuple[str, ...]:
        value = self._take(field)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(field, "is not a list of strings")
        if len(set(value)) != len(value):
            raise self.error(field, "contains a duplicate")
        return tuple(value)

    def record(self, field: str) -> "Record":
        return Record(self.file, self._take(field), self._name(field))

    def records(self, field: str) -> Iterator["Record"]:
        value = self._take(field)
        if not isinstance(value, list):
            raise self.error(field, "is not a list")
        for index, item in enumerate(value):
            yield Record(self.file, item, f"{self._name(field)}[{index}]")

    def finish(self) -> None:
        for field in self._values:
            if field not in self._read:
                raise self.error(str(field), "is an unknown field")

    def _take(self, field: str) -> object:
        if field not in self._values:
            raise self.error(field, "is missing")
        self._read.add(field)
        value: object = self._values[field]
        return value

    def _name(self, field: str) -> str:
        return f"{self._path}.{field}" if self._path else field
