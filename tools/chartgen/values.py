"""Reads a chart's values.yaml with its comments.

A key is documented by the comment right above it. `# -- text` describes a value, a comment
without dashes describes a group, and `# @schema {...}` adds JSON Schema keywords in YAML's flow
form, as in `# @schema {minimum: 1, maximum: 65535}`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "kaito"

_KEY = re.compile(r"^(?P<indent> *)(?P<key>[\w.-]+):")
_SCHEMA = "@schema "


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One key of a values file. `groups` is set for a key whose children are documented."""

    path: tuple[str, ...]
    comment: str
    default: Any
    groups: bool
    schema: Mapping[str, Any] = field(default_factory=dict)


def charts() -> dict[str, Path]:
    """The umbrella chart and its subcharts, each with its folder, the umbrella first."""
    subcharts = sorted((CHART / "charts").iterdir())
    return {path.name: path for path in (CHART, *subcharts)}


def values(source: str) -> Iterator[Value]:
    """Yields every key that has a comment right above it, in the file's order."""
    document = yaml.safe_load(source)
    comment: list[str] = []
    open_keys: list[tuple[int, str]] = []
    for line in source.splitlines():
        if line.lstrip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
            continue
        if match := _KEY.match(line):
            indent = len(match["indent"])
            parents = [outer for outer in open_keys if outer[0] < indent]
            open_keys = [*parents, (indent, match["key"])]
            if comment:
                yield _value(tuple(key for _, key in open_keys), comment, document)
        comment = []


def _value(path: tuple[str, ...], comment: list[str], document: Any) -> Value:
    schema = [line.removeprefix(_SCHEMA) for line in comment if line.startswith(_SCHEMA)]
    text = " ".join(line for line in comment if not line.startswith(_SCHEMA))
    default = document
    for key in path:
        default = default[key]
    return Value(
        path=path,
        comment=text.removeprefix("-- "),
        default=default,
        groups=not text.startswith("-- "),
        schema=yaml.safe_load(" ".join(schema)) if schema else {},
    )
