"""Tools and tool calls, in OpenAI's form: what chat templates are written for."""

from collections.abc import Mapping, Sequence
from typing import Any

from tuner.rows.record import Tool
from tuner.rows.row import RowFault
from tuner.shapes.chat.tool_parameters import as_json_schema
from tuner.shapes.values.columns import Columns
from tuner.shapes.values.embedded import as_json, load_embedded
from tuner.shapes.values.faults import malformed

# What OpenAI, Cohere, Anthropic and Gemini call the arguments of a call.
_ARGUMENT_KEYS = ("arguments", "parameters", "input", "args")


def find_tools_column(columns: Columns) -> str | None:
    """The column that holds the tools of each row."""
    tools = columns.find("tools")
    if tools is not None:
        return tools
    # OpenAI's name before there were tools. It is a usual name for code, too.
    functions = columns.find("functions")
    values = columns.values(functions) if functions is not None else []
    return functions if values and _are_tools(values[0]) else None


def read_row_tools(values: Mapping[str, Any], column: str | None) -> tuple[Tool, ...]:
    """The tools of the row with `values`. `column` is None if the file's first rows have none.

    Raises:
        RowFault: MALFORMED.
    """
    column = column or "tools"
    return read_tools(values.get(column), f"column {column}")


def read_tools(value: Any, where: str) -> tuple[Tool, ...]:
    """The tools in `value`: null, a list of definitions or a single one, or JSON text of these.

    Raises:
        RowFault: MALFORMED.
    """
    return tuple(_tool(item, path) for path, item in _items(value, where))


def read_tool_calls(value: Any, where: str) -> list[dict[str, Any]]:
    """The calls in `value`: a list of calls or a single one, or JSON text of these.

    Raises:
        RowFault: MALFORMED.
    """
    return [read_call(item, path) for path, item in _items(value, where)]


def read_call(value: Any, where: str) -> dict[str, Any]:
    """The tool call `value`: name and arguments, or an object that holds them under `function`.

    Raises:
        RowFault: MALFORMED.
    """
    call = value.get("function") or value if isinstance(value, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
        raise malformed(where, value, 'it must be {"function": {"name": ..., "arguments": ...}}')
    key = next((key for key in _ARGUMENT_KEYS if call.get(key) is not None), None)
    arguments = _arguments(call[key], f"{where}.{key}") if key else {}
    identity = {"id": value["id"]} if value.get("id") is not None else {}
    function = {"name": call["name"], "arguments": arguments}
    return {**identity, "type": "function", "function": function}


def _items(value: Any, where: str) -> list[tuple[str, Any]]:
    """The objects of a list, or a single one, each with its path."""
    is_blank = isinstance(value, str) and not value.strip()
    value = None if is_blank else load_embedded(value, where)
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [(where, value)]
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise malformed(where, value, "it must be a list of objects")
    paths = [f"{where}[{index}]" for index in range(len(value))]
    return [(path, load_embedded(item, path)) for path, item in zip(paths, value, strict=True)]


def _tool(value: Any, where: str) -> Tool:
    definition = value.get("function") or value if isinstance(value, Mapping) else None
    if not isinstance(definition, Mapping) or not isinstance(definition.get("name"), str):
        raise malformed(where, value, 'it must be {"type": "function", "function": {"name": ...}}')
    function = dict(as_json(definition))
    function.pop("type", None)
    if "input_schema" in function:
        function["parameters"] = function.pop("input_schema")
    if "parameters" in function:
        parameters = load_embedded(function["parameters"], f"{where}.parameters")
        function["parameters"] = as_json_schema(parameters, f"{where}.parameters")
    return {"type": "function", "function": function}


def _arguments(value: Any, where: str) -> Mapping[str, Any]:
    if isinstance(value, str) and not value.strip():
        return {}
    arguments = load_embedded(value, where)
    if not isinstance(arguments, Mapping):
        raise malformed(where, value, "it must be a JSON object")
    # Text says what it says; only objects of a typed table have keys that nobody wrote.
    return arguments if isinstance(value, str) else dict(as_json(arguments))


def _are_tools(value: Any) -> bool:
    try:
        return bool(read_tools(value, ""))
    except RowFault:
        return False
