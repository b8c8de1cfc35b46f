"""The request of POST /v1/completions."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from inference_gateway.formats.openai_schema import CommonFields
from inference_gateway.formats.schema_types import (
    MAX_PROMPTS,
    Count,
    TokenIds,
    inputs,
    kind_of_input,
)

_MANY = Field(min_length=1, max_length=MAX_PROMPTS, fail_fast=True)
_Prompt = Annotated[
    Annotated[str, Tag("text")]
    | Annotated[list[str], _MANY, Tag("texts")]
    | Annotated[TokenIds, Tag("tokens")]
    | Annotated[list[TokenIds], _MANY, Tag("token_lists")],
    Discriminator(kind_of_input),
]


class CompletionRequest(CommonFields):
    """The body of POST /v1/completions."""

    prompt: _Prompt = Field(description="A text, its tokens, or a list of texts or of their tokens")
    echo: bool | None = Field(None, description="Return the prompt before the answer")
    logprobs: Count | None = Field(
        None, description="Log probabilities of the tokens, and of this many likeliest ones"
    )
    suffix: str | None = Field(None, description="Rejected unless empty")
    best_of: int | None = Field(None, description="Rejected unless equal to n")

    @property
    def prompts(self) -> tuple[str | list[int], ...]:
        """Each prompt, as its text or as its tokens."""
        return inputs(self.prompt)

    @property
    def returns_prompt_alone(self) -> bool:
        """Whether the answer is the prompt alone, as lm-evaluation-harness asks for it."""
        return bool(self.echo) and self.max_tokens == 0
