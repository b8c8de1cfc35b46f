"""Requests of the routes that return vectors: OpenAI's, and those of text-embeddings-inference."""

from typing import Annotated, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from inference_gateway.formats.schema_types import (
    MAX_INPUTS,
    REPORTING,
    Count,
    TokenIds,
    inputs,
    kind_of_input,
)

_MANY = Field(min_length=1, max_length=MAX_INPUTS, fail_fast=True)
_Input = Annotated[
    Annotated[str, Tag("text")]
    | Annotated[list[str], _MANY, Tag("texts")]
    | Annotated[TokenIds, Tag("tokens")]
    | Annotated[list[TokenIds], _MANY, Tag("token_lists")],
    Discriminator(kind_of_input),
]


class EmbeddingRequest(BaseModel):
    """The body of POST /v1/embeddings."""

    model_config = REPORTING

    input: _Input = Field(description="A text, its tokens, or a list of texts or of their tokens")
    model: str | None = Field(None, description="Workspace, preset or adapter")
    encoding_format: Literal["float", "base64"] | None = Field(
        None, description="base64: float32 numbers, lowest byte first"
    )
    dimensions: Count | None = Field(None, description="Only this many numbers of each vector")
    truncate_prompt_tokens: Literal[-1] | None = Field(
        None, description="vLLM's: -1 cuts inputs that are longer than the context"
    )

    @property
    def inputs(self) -> tuple[str | list[int], ...]:
        """Each input, as its text or as its tokens."""
        return inputs(self.input)

    @property
    def is_list(self) -> bool:
        return kind_of_input(self.input) in ("texts", "token_lists")


class EmbeddingObject(BaseModel):
    """One vector."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Tokens of all inputs together."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingResponse(BaseModel):
    """The answer of POST /v1/embeddings."""

    object: Literal["list"]
    data: list[EmbeddingObject]
    model: str
    usage: EmbeddingUsage


class FeatureExtractionRequest(BaseModel):
    """The body of POST /embed and POST /pipeline/feature-extraction."""

    model_config = REPORTING

    inputs: _Input = Field(description="A text, its tokens, or a list of texts or of their tokens")
    model: str | None = Field(None, description="Not in that API: Workspace, preset or adapter")
    normalize: bool | None = Field(None, description="Rejected if false: vectors have length 1")
    truncate: bool | None = Field(None, description="Cut inputs longer than the context")
    truncation_direction: Literal["left", "right", "Left", "Right"] | None = Field(
        None, description='Rejected if "left"'
    )
    prompt_name: str | None = Field(None, description="Rejected unless null")
    dimensions: Count | None = Field(None, description="Only this many numbers of each vector")

    @property
    def input_list(self) -> tuple[str | list[int], ...]:
        return inputs(self.inputs)

    @property
    def is_list(self) -> bool:
        return kind_of_input(self.inputs) in ("texts", "token_lists")
