"""What an answer has to match: OpenAI's response_format, and vLLM's fields for the same."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from inference_gateway.formats.schema_types import REPORTING, STRICT, Texts

# A JSON Schema, or its text.
JsonSchema = dict[str, Any] | str


class JsonSchemaFormat(BaseModel):
    """A JSON Schema that the answer satisfies."""

    # `schema` is a method of pydantic's models.
    model_config = ConfigDict(strict=True, extra="ignore", populate_by_name=True)

    name: str | None = None
    description: str | None = None
    json_schema: dict[str, Any] = Field(alias="schema")
    strict: bool | None = Field(None, description="The answer satisfies the schema in any case")


class TextFormat(BaseModel):
    """Any text."""

    model_config = STRICT

    type: Literal["text"]


class JsonObjectFormat(BaseModel):
    """A JSON object; `value`, beyond OpenAI's API, is the schema that it satisfies."""

    model_config = STRICT

    type: Literal["json_object"]
    value: dict[str, Any] | None = Field(None, description="What huggingface_hub sends")


class JsonSchemaResponseFormat(BaseModel):
    """A JSON document that satisfies a schema."""

    model_config = STRICT

    type: Literal["json_schema"]
    json_schema: JsonSchemaFormat


ResponseFormat = Annotated[
    TextFormat | JsonObjectFormat | JsonSchemaResponseFormat, Field(discriminator="type")
]


class StructuredOutputs(BaseModel):
    """vLLM's object; one of the fields."""

    model_config = REPORTING

    json_: JsonSchema | None = Field(None, alias="json")
    regex: str | None = None
    choice: Texts | None = None
    grammar: str | None = None
    json_object: bool | None = None


class StructuredFields(BaseModel):
    """The fields of a request of which one may say what the answer has to match."""

    structured_outputs: StructuredOutputs | None = Field(None, description="vLLM's")
    guided_json: JsonSchema | None = Field(None, description="vLLM's: a JSON Schema")
    guided_regex: str | None = Field(None, description="vLLM's")
    guided_choice: Texts | None = Field(None, description="vLLM's: the answer is one of these")
    guided_grammar: str | None = Field(None, description="vLLM's: a grammar in GBNF")
