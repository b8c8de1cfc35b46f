"""The request of POST /v1/chat/completions."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from inference_gateway.formats.openai_schema import CommonFields
from inference_gateway.formats.openai_tools_schema import ToolCall, ToolChoice, Tools
from inference_gateway.formats.schema_types import MAX_MESSAGES, REPORTING, STRICT, Count
from inference_gateway.formats.structured_schema import ResponseFormat


class TextContentPart(BaseModel):
    """Part of a message. Only text is supported."""

    model_config = STRICT

    type: Literal["text"]
    text: str


class ChatCompletionMessage(BaseModel):
    """One message of a conversation."""

    model_config = REPORTING

    role: str
    content: (
        str
        | Annotated[list[TextContentPart], Field(max_length=MAX_MESSAGES, fail_fast=True)]
        | None
    ) = None
    name: str | None = Field(None, description="The tool or participant, for some templates")
    tool_calls: Annotated[list[ToolCall], Field(max_length=MAX_MESSAGES, fail_fast=True)] | None = (
        Field(None, description="What the assistant called")
    )
    tool_call_id: str | None = Field(None, description="The call that this message answers")
    reasoning_content: str | None = Field(
        None, description="vLLM's: what the assistant thought, for some templates"
    )
    function_call: Any = Field(None, description="Rejected unless null: use tool_calls")

    @field_validator("content", "tool_calls")
    @classmethod
    def _count_parts(cls, content: Any, info: ValidationInfo) -> Any:
        # The context holds what is left for the request. A bound on each message alone would still
        # let 2,048 of them hold a whole body's parts.
        if isinstance(content, list) and info.context:
            info.context["parts_left"] -= len(content)
            if info.context["parts_left"] < 0:
                raise ValueError(f"a request has at most {MAX_MESSAGES} content parts")
        return content

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


Messages = Annotated[
    list[ChatCompletionMessage], Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True)
]


class TemplateFields(BaseModel):
    """What changes how a conversation is rendered."""

    tools: Tools | None = Field(None, description="Functions that the model may call")
    chat_template_kwargs: dict[str, Any] | None = Field(
        None, description="vLLM's: further variables of the chat template"
    )
    add_generation_prompt: bool | None = Field(
        None, description="vLLM's; false only with continue_final_message"
    )
    continue_final_message: bool | None = Field(
        None, description="vLLM's: continue the last message, which the assistant began"
    )
    chat_template: str | None = Field(None, description="Rejected unless null")


class ChatCompletionRequest(CommonFields, TemplateFields):
    """The body of POST /v1/chat/completions."""

    messages: Messages
    max_completion_tokens: Count | None = None
    logprobs: bool | None = Field(None, description="Return log probabilities of the tokens")
    top_logprobs: Count | None = Field(None, description="And of this many likeliest ones")
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = Field(None, description="False: at most one call")
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = Field(
        None, description="For chat templates that have this variable; else without effect"
    )
    functions: list[Any] | None = Field(None, description="Rejected unless empty: use tools")
    function_call: Any = Field(None, description='Only "none" and "auto": use tool_choice')
    modalities: list[str] | None = Field(None, description='Only ["text"] is supported')
    audio: dict[str, Any] | None = Field(None, description="Rejected unless null")
    web_search_options: dict[str, Any] | None = Field(None, description="Rejected unless null")
    prompt_logprobs: Count | None = Field(None, description="Rejected: use /v1/completions")
