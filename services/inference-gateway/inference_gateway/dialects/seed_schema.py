"""The request of POST /chat, field for field as the seed's server documents it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0, le=2**32 - 1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class GenerateKwargs(BaseModel):
    """The defaults apply when the object is sent; further keys are allowed."""

    model_config = ConfigDict(extra="allow")

    max_length: Count = Field(200, description="Tokens of prompt and answer together at most")
    min_length: int = 0
    do_sample: bool = Field(True, description="Draw at random rather than take the likeliest")
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
    bad_words_ids: list[list[int]] | None = None
    num_return_sequences: Count = 1
    output_scores: bool = False
    return_dict_in_generate: bool = False
    pad_token_id: int | None = Field(None, description="The tokenizer's when not given")
    eos_token_id: int | list[int] | None = Field(None, description="The tokenizer's when not given")
    forced_bos_token_id: int | None = None
    forced_eos_token_id: int | list[int] | None = None
    remove_invalid_values: bool | None = None


class FurtherKwargs(BaseModel):
    """Those of the further keys that are understood."""

    max_new_tokens: Annotated[int, Field(ge=1, le=2**32 - 1)] | None = None
    min_new_tokens: Count | None = None
    stop_strings: str | list[str] | None = None
    seed: Annotated[int, Field(ge=-(2**63), le=2**63 - 1)] | None = None


class Turn(BaseModel):
    """One turn of a conversation."""

    role: str
    content: str


class ChatRequest(BaseModel):
    """A prompt, or a conversation."""

    prompt: str | None = Field(None, description="Prompt for text generation")
    return_full_text: bool | None = Field(
        True, description="Answer with the prompt in front of the new text"
    )
    clean_up_tokenization_spaces: bool | None = Field(
        False, description="Clean up extra spaces in the text output"
    )
    prefix: str | None = Field(None, description="Text put before the prompt")
    handle_long_generation: str | None = Field(
        None, description="How to handle a prompt that is too long"
    )
    generate_kwargs: GenerateKwargs | None = Field(None, description="How to generate")
    messages: list[Turn] | None = Field(None, description="A conversation, oldest turn first")
    model: str | None = Field(
        None, description="Workspace, preset or adapter; needed where several are served"
    )


def further(kwargs: GenerateKwargs) -> dict[str, Any]:
    """The keys that the seed's schema does not name."""
    return kwargs.model_extra or {}
