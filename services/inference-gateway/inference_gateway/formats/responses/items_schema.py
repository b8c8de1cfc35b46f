"""The items of `input`: messages, calls of functions and their results, and reasoning."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from inference_gateway.formats.schema_types import MAX_MESSAGES, REPORTING, STRICT


class TextPart(BaseModel):
    """Part of a content. Only text is supported."""

    model_config = STRICT

    type: Literal["input_text", "output_text", "text"]
    text: str


_Content = str | Annotated[list[TextPart], Field(max_length=MAX_MESSAGES, fail_fast=True)]


class MessageItem(BaseModel):
    """A message of any role."""

    model_config = REPORTING

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: _Content


class FunctionCallItem(BaseModel):
    """A call that the model made."""

    model_config = STRICT

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str


class FunctionCallOutputItem(BaseModel):
    """What a call returned."""

    model_config = STRICT

    type: Literal["function_call_output"]
    call_id: str
    output: _Content


class ReasoningText(BaseModel):
    """Part of what the model thought."""

    model_config = STRICT

    type: str
    text: str


class ReasoningItem(BaseModel):
    """What the model thought before its next message or call."""

    model_config = STRICT

    type: Literal["reasoning"]
    summary: Annotated[list[ReasoningText], Field(max_length=MAX_MESSAGES, fail_fast=True)] = []
    content: (
        Annotated[list[ReasoningText], Field(max_length=MAX_MESSAGES, fail_fast=True)] | None
    ) = None

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.content or self.summary)


def _kind(item: Any) -> Any:
    """A message needs no type."""
    return item.get("type", "message") if isinstance(item, dict) else "message"


Item = Annotated[
    Annotated[MessageItem, Tag("message")]
    | Annotated[FunctionCallItem, Tag("function_call")]
    | Annotated[FunctionCallOutputItem, Tag("function_call_output")]
    | Annotated[ReasoningItem, Tag("reasoning")],
    Discriminator(_kind),
]
Items = Annotated[list[Item], Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True)]


def content_text(content: str | list[TextPart]) -> str:
    """The text of a content."""
    return content if isinstance(content, str) else "\n".join(part.text for part in content)
