"""The parameters of a tool as a JSON schema."""

import re
from collections.abc import Mapping
from typing import Any

from tuner.shapes.values.faults import malformed

# Python's names, as the function-calling data of xLAM and APIGen has them.
_PYTHON_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "tuple": "array",
    "set": "array",
    "dict": "object",
}


def as_json_schema(parameters: Any, where: str) -> Mapping[str, Any]:
    """`parameters`: a schema as it is; a mapping of names to descriptions as a schema.

    Raises:
        RowFault: MALFORMED.
    """
    if not isinstance(parameters, Mapping):
        raise malformed(where, parameters, "it must be a JSON schema")
    if not parameters or "properties" in parameters or isinstance(parameters.get("type"), str):
        return parameters
    if not all(isinstance(value, Mapping) for value in parameters.values()):
        raise malformed(where, parameters, "it must be a JSON schema")
    return {
        "type": "object",
        "properties": {name: _property(value) for name, value in parameters.items()},
        "required": [name for name, value in parameters.items() if _is_required(value)],
    }


def _property(value: Mapping[str, Any]) -> dict[str, Any]:
    name = re.match(r"\w*", str(value.get("type", "")).strip().lower())
    python_type = _PYTHON_TYPES.get(name.group()) if name else None
    return {**value, "type": python_type} if python_type else dict(value)


def _is_required(value: Mapping[str, Any]) -> bool:
    return "optional" not in str(value.get("type", "")) and "default" not in value
