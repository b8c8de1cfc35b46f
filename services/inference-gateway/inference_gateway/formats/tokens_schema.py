"""Requests and responses of /tokenize and /detokenize, as vLLM has them. Unknown fields are
reported."""

from typing import Annotated

from pydantic import BaseModel, Field

from inference_gateway.formats.openai_chat_schema import Messages, TemplateFields
from inference_gateway.formats.schema_types import MAX_TOKENS, REPORTING, Count


class TokenizeRequest(TemplateFields):
    """The body of POST /tokenize: a prompt or a conversation."""

    model_config = REPORTING

    model: str | None = Field(None, description="Workspace, preset or adapter")
    prompt: str | None = Field(None, description="Text, without a chat template")
    messages: Messages | None = Field(
        None, description="A conversation, rendered with the chat template"
    )
    add_special_tokens: bool | None = Field(
        None, description="Only for a prompt: false omits begin- and end-of-sequence tokens"
    )
    return_token_strs: bool | None = Field(None, description="Return the tokens as strings, too")


class TokenizeResponse(BaseModel):
    """The tokens, as the model would see them."""

    count: int
    max_model_len: int
    tokens: list[int]
    token_strs: list[str] | None = None


class DetokenizeRequest(BaseModel):
    """The body of POST /detokenize."""

    model_config = REPORTING

    model: str | None = Field(None, description="Workspace, preset or adapter")
    # A list stops at its first error: a million wrong items would make a million errors.
    tokens: Annotated[list[Count], Field(max_length=MAX_TOKENS, fail_fast=True)]


class DetokenizeResponse(BaseModel):
    """The text of the tokens, with that of special tokens."""

    prompt: str
