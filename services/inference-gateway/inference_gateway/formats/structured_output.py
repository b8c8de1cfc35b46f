"""What an answer has to match, as the contract has it. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from inference_gateway.errors import Problem, RequestRejected
from inference_gateway.formats.openai_response import to_json
from inference_gateway.formats.structured_schema import (
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaResponseFormat,
    ResponseFormat,
    StructuredFields,
    StructuredOutputs,
)
from kaito.inference.v1 import inference_pb2 as pb

_FIELDS = frozenset(StructuredFields.model_fields)


def structured_output(
    fields: StructuredFields, response_format: ResponseFormat | None
) -> tuple[str, pb.StructuredOutput] | None:
    """The client's name of the field that says what the answer has to match, and its meaning.

    Raises:
        RequestRejected: 400, several fields say so, or one is not a JSON Schema.
    """
    if response_format is None and fields.model_fields_set.isdisjoint(_FIELDS):
        return None
    found: dict[str, pb.StructuredOutput] = {}
    if response_format is not None and (meaning := _response_format(response_format)):
        found["response_format"] = meaning
    found |= _alternatives(_guided(fields), "guided_")
    if fields.structured_outputs is not None:
        found |= _alternatives(fields.structured_outputs, "structured_outputs.")
    if len(found) > 1:
        raise RequestRejected(_several(list(found)))
    return next(iter(found.items()), None)


def schema_output(schema: Mapping[str, Any]) -> pb.StructuredOutput:
    """A document that satisfies the schema."""
    return pb.StructuredOutput(json_schema=to_json(schema))


def _response_format(response_format: ResponseFormat) -> pb.StructuredOutput | None:
    match response_format:
        case JsonSchemaResponseFormat():
            return schema_output(response_format.json_schema.json_schema)
        case JsonObjectFormat(value=dict(schema)):
            return schema_output(schema)
        case JsonObjectFormat():
            return pb.StructuredOutput(json_object=True)
    return None


def _guided(fields: StructuredFields) -> StructuredOutputs:
    """vLLM's older fields as its newer object."""
    return StructuredOutputs.model_construct(
        json_=fields.guided_json,
        regex=fields.guided_regex,
        choice=fields.guided_choice,
        grammar=fields.guided_grammar,
    )


def _alternatives(outputs: StructuredOutputs, prefix: str) -> dict[str, pb.StructuredOutput]:
    """What is set, by the client's names, which begin with `prefix`."""
    found = {}
    if outputs.json_ is not None:
        name = f"{prefix}json"
        found[name] = json_schema(outputs.json_, name)
    if outputs.regex is not None:
        found[f"{prefix}regex"] = pb.StructuredOutput(regex=outputs.regex)
    if outputs.choice is not None:
        found[f"{prefix}choice"] = pb.StructuredOutput(choice=pb.Texts(texts=outputs.choice))
    if outputs.grammar is not None:
        found[f"{prefix}grammar"] = pb.StructuredOutput(grammar=outputs.grammar)
    if outputs.json_object:
        found[f"{prefix}json_object"] = pb.StructuredOutput(json_object=True)
    return found


def json_schema(schema: JsonSchema, name: str) -> pb.StructuredOutput:
    """A document that satisfies the schema, or the schema's text, in the field of that name.

    Raises:
        RequestRejected: 400, the text is not JSON.
    """
    if not isinstance(schema, str):
        return schema_output(schema)
    try:
        json.loads(schema)
    except (ValueError, RecursionError):
        message = f"{name}: not JSON; send a JSON Schema, or its text"
        problem = Problem(status=400, message=message, param=name, code="invalid_value")
        raise RequestRejected(problem) from None
    return pb.StructuredOutput(json_schema=schema)


def _several(names: list[str]) -> Problem:
    return Problem(
        status=400,
        message=f"{', '.join(names)}: each says what the answer has to match; send one of them",
        param=names[-1],
        code="invalid_value",
    )
