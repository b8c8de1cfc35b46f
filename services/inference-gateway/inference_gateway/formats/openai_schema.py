"""The supported requests of the OpenAI API. Unknown fields have no effect, and are reported.

Types are strict, as OpenAI's are: "5" is not a number. The model-server checks ranges; here a
number only has to fit the contract's type.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Count = Annotated[int, Field(ge=0, le=2**32 - 1)]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
# Each prompt becomes a separate call to the model-server.
MAX_PROMPTS = 32
# Messages, and parts of their contents. Parsing holds the event loop, about 20 us for each, and a
# body has room for 150,000: all other requests would wait for seconds. Agents use a few hundred.
MAX_MESSAGES = 2048
# Far more than the contract's 16 stop strings, whose bound the model-server reports.
_MAX_ITEMS = 1024

_OPENAI = ConfigDict(strict=True, extra="ignore")
# Keeps the names of unknown fields, to report them.
_REPORTING = ConfigDict(strict=True, extra="allow")


def stop_strings(stop: str | list[str] | None) -> list[str]:
    """The stop strings of a request, without the empty ones that some clients send by default."""
    stops = [stop] if isinstance(stop, str) else stop or []
    return [each for each in stops if each]


class StreamOptions(BaseModel):
    """What a stream includes besides its chunks."""

    model_config = _OPENAI

    include_usage: bool | None = None


class CommonFields(BaseModel):
    """The fields that chat and text completions share."""

    model_config = _REPORTING

    model: str | None = Field(None, description="Workspace, preset or adapter")
    temperature: Finite | None = Field(None, description="0 always takes the likeliest token")
    top_p: Finite | None = None
    n: Annotated[int, Field(ge=1, le=16)] | None = None
    # Each list stops at its first error: a million wrong items would make a million errors.
    stop: str | Annotated[list[str], Field(max_length=_MAX_ITEMS, fail_fast=True)] | None = None
    seed: Seed | None = None
    max_tokens: Count | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    top_k: Annotated[int, Field(ge=-1, le=2**32 - 1)] | None = Field(
        None,
        description="Not in OpenAI's API: sample from the k likeliest tokens; 0 or -1 turns it off",
    )
    min_tokens: Count | None = Field(None, description="Not in OpenAI's API: minimum new tokens")
    repetition_penalty: Finite | None = Field(None, description="Not in OpenAI's API")
    typical_p: Finite | None = Field(None, description="Not in OpenAI's API")
    length_penalty: Finite | None = Field(None, description="Not in OpenAI's API")
    presence_penalty: Finite | None = Field(None, description="Accepted without effect")
    frequency_penalty: Finite | None = Field(None, description="Accepted without effect")
    logit_bias: dict[str, Any] | None = Field(None, description="Accepted without effect")

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class TextContentPart(BaseModel):
    """Part of a message. Only text is supported."""

    model_config = _OPENAI

    type: Literal["text"]
    text: str


class ChatCompletionMessage(BaseModel):
    """One message of a conversation."""

    model_config = _REPORTING

    role: str
    content: (
        str
        | Annotated[list[TextContentPart], Field(max_length=MAX_MESSAGES, fail_fast=True)]
        | None
    ) = None
    tool_calls: list[Any] | None = Field(None, description="Rejected unless empty")
    function_call: Any = Field(None, description="Rejected unless null")

    @field_validator("content")
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


class ChatCompletionRequest(CommonFields):
    """The body of POST /v1/chat/completions."""

    messages: Annotated[
        list[ChatCompletionMessage],
        Field(min_length=1, max_length=MAX_MESSAGES, fail_fast=True),
    ]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = Field(None, description="Rejected if true")
    top_logprobs: int | None = Field(None, description="Rejected above 0")
    tools: list[Any] | None = Field(None, description="Rejected unless empty")
    tool_choice: Any = Field(None, description='Only "none" and "auto" are supported')
    functions: list[Any] | None = Field(None, description="Rejected unless empty")
    function_call: Any = Field(None, description='Only "none" and "auto" are supported')
    modalities: list[str] | None = Field(None, description='Only ["text"] is supported')
    audio: dict[str, Any] | None = Field(None, description="Rejected unless null")
    web_search_options: dict[str, Any] | None = Field(None, description="Rejected unless null")
    response_format: dict[str, Any] | None = Field(None, description="Only type text is supported")


class CompletionRequest(CommonFields):
    """The body of POST /v1/completions."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=MAX_PROMPTS, fail_fast=True)]
    echo: bool | None = None
    suffix: str | None = Field(None, description="Rejected unless empty")
    best_of: int | None = Field(None, description="Rejected unless equal to n")
    logprobs: int | None = Field(None, description="Rejected")

    @property
    def prompts(self) -> tuple[str, ...]:
        return (self.prompt,) if isinstance(self.prompt, str) else tuple(self.prompt)
