"""Builds the JSON Schema of a chart's values from its values.yaml. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from tools.chartgen.shapes import SHAPES, TEXT, Schema
from tools.chartgen.values import Value

_DIALECT = "http://json-schema.org/draft-07/schema#"
# bool before int: True is an int too.
_TYPES: tuple[tuple[type, Schema], ...] = (
    (bool, {"type": "boolean"}),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (str, TEXT),
)


class UntypedValueError(ValueError):
    """A value's default does not say what the value may be."""


def schema(title: str, document: Any, values: Iterable[Value], *, subcharts: set[str]) -> Schema:
    """The schema of one values file.

    Keys that `values` does not document are refused. Values below a subchart's name are left to
    the subchart's own schema. A subchart sees two keys of its parent: `global`, and `enabled`.

    Raises:
        UntypedValueError: a list, map or null has no `@schema` comment.
    """
    root = _group(document, {value.path: value for value in values}, (), subcharts)
    if not subcharts:
        root["properties"] |= {"enabled": {"type": "boolean"}, "global": {"type": "object"}}
    return {"$schema": _DIALECT, "title": title, **root}


def _group(
    document: Mapping[str, Any],
    values: Mapping[tuple[str, ...], Value],
    path: tuple[str, ...],
    subcharts: set[str],
) -> Schema:
    """An object whose keys are all in the values file. A key without a comment groups others."""
    properties: dict[str, Schema] = {}
    for key, default in document.items():
        inner = (*path, key)
        value = values.get(inner)
        if value and not value.groups:
            properties[key] = leaf(value)
        else:
            properties[key] = _group(default, values, inner, subcharts)
        if value:
            properties[key] = {"description": value.comment, **properties[key]}
        if not path and key in subcharts:
            properties[key].pop("additionalProperties")
    # Helm drops a key that is set to null, and templates would render an empty value.
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(properties),
    }


def leaf(value: Value) -> Schema:
    """The schema of one value: its `@schema`, or else the type of its default.

    Raises:
        UntypedValueError: neither says what the value may be.
    """
    extra = dict(value.schema)
    name = ".".join(value.path)
    if shape := extra.pop("$ref", None):
        if shape not in SHAPES:
            raise UntypedValueError(f"{name}: there is no shape {shape} in shapes.py")
        return {**SHAPES[shape], **extra}
    if "type" in extra or "enum" in extra or "properties" in extra:
        return extra
    for kind, typed in _TYPES:
        if isinstance(value.default, kind):
            return {**typed, **extra}
    raise UntypedValueError(f"{name}: say with `# @schema` what it may be")
