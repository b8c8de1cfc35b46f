"""The fields that chat and text completions share. Unknown fields have no effect, and are
reported."""

from typing import Annotated

from pydantic import BaseModel, Field

from inference_gateway.formats.schema_types import (
    REPORTING,
    STRICT,
    Count,
    Finite,
    LogitBias,
    Priority,
    Seed,
    Texts,
)
from inference_gateway.formats.structured_schema import StructuredFields


class StreamOptions(BaseModel):
    """What a stream includes besides its chunks."""

    model_config = STRICT

    include_usage: bool | None = None


class CommonFields(StructuredFields):
    """The fields that chat and text completions share."""

    model_config = REPORTING

    model: str | None = Field(None, description="Workspace, preset or adapter")
    temperature: Finite | None = Field(None, description="0 always takes the likeliest token")
    top_p: Finite | None = None
    n: Annotated[int, Field(ge=1, le=16)] | None = None
    stop: str | Texts | None = None
    seed: Seed | None = None
    max_tokens: Count | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    presence_penalty: Finite | None = None
    frequency_penalty: Finite | None = None
    logit_bias: LogitBias | None = Field(None, description="By the ids of tokens, as texts")
    top_k: Annotated[int, Field(ge=-1, le=2**32 - 1)] | None = Field(
        None,
        description="Not in OpenAI's API: sample from the k likeliest tokens; 0 or -1 turns it off",
    )
    min_p: Finite | None = Field(None, description="Not in OpenAI's API")
    min_tokens: Count | None = Field(None, description="Not in OpenAI's API: minimum new tokens")
    repetition_penalty: Finite | None = Field(None, description="Not in OpenAI's API")
    typical_p: Finite | None = Field(None, description="Not in OpenAI's API")
    length_penalty: Finite | None = Field(None, description="Not in OpenAI's API")
    ignore_eos: bool | None = Field(
        None, description="Not in OpenAI's API: go on at the end of the sequence"
    )
    priority: Priority | None = Field(
        None, description="Not in OpenAI's API: lower numbers run first when not all fit"
    )
    return_token_ids: bool | None = Field(None, description="Not in OpenAI's API")

    @property
    def choices(self) -> int:
        return self.n or 1

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)
