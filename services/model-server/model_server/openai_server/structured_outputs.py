"""What an answer has to match, as part of the body of a request. Pure."""

from typing import Any

from model_server.engine import StructuredOutput
from model_server.engine_server.json_schema import parse_schema
from model_server.errors import InvalidRequest


def structured_output_body(output: StructuredOutput, fields: frozenset[str]) -> dict[str, Any]:
    """What has to match, for a server that takes these fields.

    Raises:
        InvalidRequest: the server cannot enforce it.
    """
    if output.json_object:
        return {"response_format": {"type": "json_object"}}
    if output.json_schema is not None:
        schema = parse_schema(output.json_schema)
        answer = {"name": "answer", "schema": schema, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": answer}}
    name, value = next(
        (name, value) for name in ("regex", "grammar", "choice") if (value := getattr(output, name))
    )
    if "structured_outputs" not in fields:
        raise InvalidRequest(
            f"structured_output.{name}",
            value,
            "is not supported by this model's engine; use json_schema",
        )
    return {"structured_outputs": {name: list(value) if name == "choice" else value}}
