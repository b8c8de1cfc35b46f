"""Converts a pydantic model to a structural schema, the form that CRDs require."""

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

# pydantic writes these keys; structural schemas do not need or do not allow them.
_DROPPED = ("title", "discriminator", "additionalProperties")


def structural(model: type[BaseModel]) -> Schema:
    """The model's schema in camelCase, with references inlined.

    `null` alternatives are dropped, since an optional field is just not required. Opaque objects
    preserve unknown fields.
    """
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _convert(schema, schema.get("$defs", {}))


def _convert(node: Schema, definitions: Schema) -> Schema:
    node = _without_null(_resolved(node, definitions))
    node = _resolved(node, definitions)
    if _is_opaque(node):
        return _described(node, {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
    if _is_int_or_string(node):
        return _described(node, {"x-kubernetes-int-or-string": True})
    result = {key: value for key, value in node.items() if key not in (*_DROPPED, "$defs")}
    # The API server would write an empty default into every object.
    if result.get("default", ...) in (None, [], {}) or isinstance(result.get("default"), dict):
        result.pop("default", None)
    if "const" in result:
        result["enum"] = [result.pop("const")]
    if "properties" in result:
        result["properties"] = {
            name: _convert(child, definitions) for name, child in result["properties"].items()
        }
    if "items" in result:
        result["items"] = _convert(result["items"], definitions)
    if isinstance(values := node.get("additionalProperties"), dict):
        result["additionalProperties"] = _convert(values, definitions)
    return result


def _resolved(node: Schema, definitions: Schema) -> Schema:
    """Replaces a `$ref` by its target. Keys beside the `$ref` take precedence."""
    if "$ref" not in node:
        return node
    target = definitions[node["$ref"].rsplit("/", 1)[1]]
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**_resolved(target, definitions), **beside}


def _without_null(node: Schema) -> Schema:
    options = node.get("anyOf")
    if not options:
        return node
    real = [option for option in options if option.get("type") != "null"]
    rest = {key: value for key, value in node.items() if key != "anyOf"}
    return {**real[0], **rest} if len(real) == 1 else {**rest, "anyOf": real}


def _is_opaque(node: Schema) -> bool:
    values = node.get("additionalProperties")
    return isinstance(values, dict) and values.get("$ref", "").endswith("/JsonValue")


def _is_int_or_string(node: Schema) -> bool:
    return {option.get("type") for option in node.get("anyOf", ())} == {"string", "integer"}


def _described(node: Schema, schema: Schema) -> Schema:
    return {"description": node["description"], **schema} if "description" in node else schema
