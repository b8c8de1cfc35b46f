"""Requests and responses of /tokenize and /detokenize, as vLLM has them. Unknown fields are
reported."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from inference_gateway.formats.openai_schema import (
    MAX_MESSAGES,
    ChatCompletionMessage,
    Count,
)

# Longer than the context of any model; the model-server reports its own bound.
_MAX_TOKENS = 2**20

_REPORTING = ConfigDict(strict=True, extra="allow")


class TokenizeRequest(BaseModel):
    """The body of POST /tokenize: a prompt or a conversation."""

    model_config = _REPORTING

    model: str | None = Field(None, description="Workspace, preset or adapter")
    prompt: str | None = Field(None, description="Text, without a chat template")
    messages: (
        Annotated[
            list[ChatCompletionMessage],
            Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True),
        ]
        | None
    ) = Field(None, description="A conversation, rendered with the chat template")
    add_special_tokens: bool | None = Field(
        None, description="Only for a prompt: false omits begin- and end-of-sequence tokens"
    )
    return_token_strs: bool | None = Field(None, description="Return the tokens as strings, too")
    add_generation_prompt: bool | None = Field(None, description="Rejected if false")
    continue_final_message: bool | None = Field(None, description="Rejected if true")
    chat_template: str | None = Field(None, description="Rejected unless null")
    tools: list[Any] | None = Field(None, description="Rejected unless empty")


class TokenizeResponse(BaseModel):
    """The tokens, as the model would see them."""

    count: int
    max_model_len: int
    tokens: list[int]
    token_strs: list[str] | None = None


class DetokenizeRequest(BaseModel):
    """The body of POST /detokenize."""

    model_config = _REPORTING

    model: str | None = Field(None, description="Workspace, preset or adapter")
    # A list stops at its first error: a million wrong items would make a million errors.
    tokens: Annotated[list[Count], Field(max_length=_MAX_TOKENS, fail_fast=True)]


class DetokenizeResponse(BaseModel):
    """The text of the tokens, with that of special tokens."""

    prompt: str
