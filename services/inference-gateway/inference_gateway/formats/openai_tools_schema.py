"""Tools, which of them the model calls, and its calls, as OpenAI's chat completions have them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from inference_gateway.formats.schema_types import REPORTING, STRICT

# OpenAI's own bound.
_MAX_TOOLS = 128


class FunctionDefinition(BaseModel):
    """A function that the client can run for the model."""

    model_config = STRICT

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="The arguments' JSON Schema")
    strict: bool | None = Field(None, description="The arguments always satisfy the schema")


class ToolDefinition(BaseModel):
    """A tool. Only functions are supported."""

    model_config = STRICT

    type: Literal["function"]
    function: FunctionDefinition


Tools = Annotated[list[ToolDefinition], Field(max_length=_MAX_TOOLS, fail_fast=True)]


class FunctionName(BaseModel):
    """A function of `tools`."""

    model_config = STRICT

    name: str


class NamedTool(BaseModel):
    """One tool of `tools`."""

    model_config = STRICT

    type: Literal["function"]
    function: FunctionName


class ToolSubset(BaseModel):
    """Some of `tools`, and whether one of them has to be called."""

    model_config = STRICT

    mode: Literal["auto", "required"]
    tools: Annotated[list[NamedTool], Field(min_length=1, max_length=_MAX_TOOLS, fail_fast=True)]


class AllowedTools(BaseModel):
    """The only tools that may be called."""

    model_config = STRICT

    type: Literal["allowed_tools"]
    allowed_tools: ToolSubset


ToolChoice = (
    Literal["none", "auto", "required"]
    | Annotated[NamedTool | AllowedTools, Field(discriminator="type")]
)


class CalledFunction(BaseModel):
    """The function that the model called, and its arguments as the model wrote them."""

    model_config = STRICT

    name: str
    arguments: str


class ToolCall(BaseModel):
    """A call of an earlier turn."""

    model_config = REPORTING

    id: str
    type: Literal["function"] = "function"
    function: CalledFunction
