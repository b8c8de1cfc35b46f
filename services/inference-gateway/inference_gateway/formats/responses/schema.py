"""The request and the response of POST /v1/responses."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from inference_gateway.formats.responses.items_schema import Items
from inference_gateway.formats.schema_types import MAX_ITEMS, REPORTING, STRICT, Count, Finite
from inference_gateway.formats.structured_schema import JsonObjectFormat, TextFormat

_MAX_TOOLS = 128


class FunctionTool(BaseModel):
    """A function that the client can run for the model. Built-in tools are not supported."""

    model_config = STRICT

    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="The arguments' JSON Schema")
    strict: bool | None = Field(
        None, description="The arguments always satisfy the schema; true by default, as there"
    )


class FunctionChoice(BaseModel):
    """A function of `tools`."""

    model_config = STRICT

    type: Literal["function"]
    name: str


class AllowedToolsChoice(BaseModel):
    """The only tools that may be called."""

    model_config = STRICT

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[
        list[FunctionChoice], Field(min_length=1, max_length=_MAX_TOOLS, fail_fast=True)
    ]


class JsonSchemaTextFormat(BaseModel):
    """A JSON document that satisfies a schema."""

    model_config = STRICT

    type: Literal["json_schema"]
    name: str | None = None
    json_schema: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class TextConfig(BaseModel):
    """What the answer's text has to match."""

    model_config = REPORTING

    format: (
        Annotated[TextFormat | JsonObjectFormat | JsonSchemaTextFormat, Field(discriminator="type")]
        | None
    ) = None


class ReasoningConfig(BaseModel):
    """How much the model thinks."""

    model_config = REPORTING

    effort: str | None = Field(None, description="For chat templates that have this variable")


class ResponsesRequest(BaseModel):
    """The body of POST /v1/responses."""

    model_config = REPORTING

    model: str | None = Field(None, description="Workspace, preset or adapter")
    input: str | Items = Field(description="A text, or the items of a conversation")
    instructions: str | None = Field(None, description="The system's message")
    max_output_tokens: Count | None = None
    temperature: Finite | None = Field(None, description="0 always takes the likeliest token")
    top_p: Finite | None = None
    top_logprobs: Count | None = None
    include: Annotated[list[str], Field(max_length=MAX_ITEMS, fail_fast=True)] | None = Field(
        None, description='"message.output_text.logprobs"; others are without effect'
    )
    tools: Annotated[list[FunctionTool], Field(max_length=_MAX_TOOLS, fail_fast=True)] | None = None
    tool_choice: (
        Literal["none", "auto", "required"]
        | Annotated[FunctionChoice | AllowedToolsChoice, Field(discriminator="type")]
        | None
    ) = None
    parallel_tool_calls: bool | None = Field(None, description="False: at most one call")
    text: TextConfig | None = None
    reasoning: ReasoningConfig | None = None
    metadata: dict[str, Any] | None = Field(None, description="Returned as it is")
    stream: bool | None = None
    store: bool | None = Field(None, description="Answered as false: nothing is stored")
    truncation: str | None = Field(None, description='Only "disabled" is supported')
    previous_response_id: str | None = Field(None, description="Rejected unless null")
    conversation: Any = Field(None, description="Rejected unless null")
    background: bool | None = Field(None, description="Rejected if true")
    prompt: Any = Field(None, description="Rejected unless null")

    @property
    def wants_logprobs(self) -> bool:
        return "message.output_text.logprobs" in (self.include or ())


class ResponseObject(BaseModel):
    """The answer of POST /v1/responses; its items are those of OpenAI's API."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Literal["in_progress", "completed", "incomplete"]
    model: str
    output: list[dict[str, Any]]
    usage: dict[str, Any] | None
