"""The request and response of POST /chat, field for field as KAITO documents them."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from inference_gateway.formats.schema_types import MAX_MESSAGES

# The contract's uint32 and float; JSON could carry more.
Count = Annotated[int, Field(ge=0, le=2**32 - 1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
_Item = TypeVar("_Item")
# A list stops at its first error: a million wrong items would make a million errors.
_Bounded = Annotated[list[_Item], Field(max_length=1024, fail_fast=True)]


class GenerateKwargs(BaseModel):
    """How to generate. The defaults apply once the object is sent; additional keys are allowed."""

    model_config = ConfigDict(extra="allow")

    max_length: Count = Field(200, description="Maximum tokens of prompt and answer together")
    min_length: int = 0
    do_sample: bool = Field(True, description="Sample at random instead of the likeliest token")
    early_stopping: bool = False
    num_beams: Count = 1
    num_beam_groups: int = 1
    diversity_penalty: Finite = 0.0
    temperature: Finite = 1.0
    top_k: Count = 10
    top_p: Finite = 1
    typical_p: Finite = 1
    repetition_penalty: Finite = 1
    length_penalty: Finite = 1
    no_repeat_ngram_size: Count = 0
    encoder_no_repeat_ngram_size: int = 0
    bad_words_ids: _Bounded[list[int]] | None = None
    num_return_sequences: Count = 1
    output_scores: bool = False
    return_dict_in_generate: bool = False
    pad_token_id: int | None = Field(None, description="Defaults to the tokenizer's")
    eos_token_id: int | _Bounded[int] | None = Field(
        None, description="Defaults to the tokenizer's"
    )
    forced_bos_token_id: int | None = None
    forced_eos_token_id: int | _Bounded[int] | None = None
    remove_invalid_values: bool | None = None


class ExtraKwargs(BaseModel):
    """The additional keys of generate_kwargs that have an effect."""

    max_new_tokens: Annotated[int, Field(ge=1, le=2**32 - 1)] | None = None
    min_new_tokens: Count | None = None
    stop_strings: str | _Bounded[str] | None = None
    # The contract's int64.
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = None


class KaitoChatMessage(BaseModel):
    """One message of a conversation."""

    role: str
    content: str


class KaitoChatRequest(BaseModel):
    """A prompt, or a conversation."""

    prompt: str | None = Field(None, description="Prompt for text generation")
    return_full_text: bool | None = Field(
        True, description="Return the prompt in front of the new text"
    )
    clean_up_tokenization_spaces: bool | None = Field(
        False, description="Clean up extra spaces in the text output"
    )
    prefix: str | None = Field(None, description="Text to put before the prompt")
    handle_long_generation: str | None = Field(
        None, description="How to handle a prompt that is too long"
    )
    generate_kwargs: GenerateKwargs | None = Field(None, description="How to generate")
    messages: (
        Annotated[list[KaitoChatMessage], Field(max_length=MAX_MESSAGES, fail_fast=True)] | None
    ) = Field(None, description="A conversation, oldest message first")
    model: str | None = Field(
        None, description="Workspace, preset or adapter; required if several are served"
    )


class KaitoChatResponse(BaseModel):
    """The answer."""

    Result: str


def extra_kwargs(kwargs: GenerateKwargs) -> dict[str, Any]:
    """The keys of generate_kwargs that KAITO's schema does not name."""
    return kwargs.model_extra or {}
