"""The requests of the OpenAI API that are understood here. Unknown fields pass unnoticed.

Types are strict, as OpenAI's are: "5" is no number. Ranges are the model-server's to check, as far
as the contract's number types can carry them.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0, le=2**32 - 1)]
Seed = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
MAX_PROMPTS = 32

_OPENAI = ConfigDict(strict=True, extra="ignore")


class StreamOptions(BaseModel):
    """What a stream ends with."""

    model_config = _OPENAI

    include_usage: bool | None = None


class Sampling(BaseModel):
    """The fields that chat and text completions have in common."""

    model_config = _OPENAI

    model: str | None = Field(None, description="Workspace, preset or adapter")
    temperature: Finite | None = Field(None, description="0 takes the likeliest token each time")
    top_p: Finite | None = None
    n: Annotated[int, Field(ge=1, le=16)] | None = None
    stop: str | list[str] | None = None
    seed: Seed | None = None
    max_tokens: Count | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    top_k: Annotated[int, Field(ge=-1, le=2**32 - 1)] | None = Field(
        None, description="Not OpenAI's: only the k likeliest tokens; 0 or -1 switches it off"
    )
    min_tokens: Count | None = Field(None, description="Not OpenAI's: new tokens at least")
    repetition_penalty: Finite | None = Field(None, description="Not OpenAI's")
    typical_p: Finite | None = Field(None, description="Not OpenAI's")
    length_penalty: Finite | None = Field(None, description="Not OpenAI's")
    presence_penalty: Finite | None = Field(None, description="Accepted, changes nothing")
    frequency_penalty: Finite | None = Field(None, description="Accepted, changes nothing")
    logit_bias: dict[str, float] | None = Field(None, description="Accepted, changes nothing")

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class TextPart(BaseModel):
    """A piece of a turn; text is the only kind that models here understand."""

    model_config = _OPENAI

    type: Literal["text"]
    text: str


class ChatTurn(BaseModel):
    """One turn of a conversation."""

    model_config = _OPENAI

    role: str
    content: str | list[TextPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class ChatCompletionRequest(Sampling):
    """The body of POST /v1/chat/completions."""

    messages: Annotated[list[ChatTurn], Field(min_length=1)]
    max_completion_tokens: Count | None = None
    logprobs: bool | None = Field(None, description="Refused when true")
    top_logprobs: int | None = Field(None, description="Refused above 0")
    tools: list[Any] | None = Field(None, description="Refused unless empty")
    functions: list[Any] | None = Field(None, description="Refused unless empty")
    response_format: dict[str, Any] | None = Field(None, description="Only type text")


class CompletionRequest(Sampling):
    """The body of POST /v1/completions."""

    prompt: str | Annotated[list[str], Field(min_length=1, max_length=MAX_PROMPTS)]
    echo: bool | None = None
    suffix: str | None = Field(None, description="Refused unless empty")
    best_of: int | None = Field(None, description="Refused unless equal to n")
    logprobs: int | None = Field(None, description="Refused")

    @property
    def prompts(self) -> tuple[str, ...]:
        return (self.prompt,) if isinstance(self.prompt, str) else tuple(self.prompt)
