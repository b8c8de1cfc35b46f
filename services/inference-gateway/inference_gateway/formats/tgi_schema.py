"""Requests and responses of the text-generation-inference API. Unknown fields are reported.

Types are strict, as they are there. The model-server checks ranges; here a number only has to fit
the contract's type.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from inference_gateway.formats.openai_schema import Count, Finite

# Keeps the names of unknown fields, to report them.
_REPORTING = ConfigDict(strict=True, extra="allow")
# That API's own default. Null means the model-server's, as it does there.
_DEFAULT_MAX_NEW_TOKENS = 100


class TgiParameters(BaseModel):
    """How to generate."""

    model_config = _REPORTING

    adapter_id: str | None = Field(None, description="The adapter that answers")
    best_of: Count | None = Field(None, description="Rejected above 1")
    decoder_input_details: bool | None = Field(None, description="Rejected if true")
    details: bool | None = Field(None, description="Return finish reason and number of tokens")
    do_sample: bool | None = Field(None, description="Sample at random")
    frequency_penalty: Finite | None = Field(None, description="Accepted without effect")
    grammar: Any = Field(None, description="Rejected unless null")
    max_new_tokens: Count | None = _DEFAULT_MAX_NEW_TOKENS
    repetition_penalty: Finite | None = None
    return_full_text: bool | None = Field(None, description="Return the prompt before the new text")
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    # A list stops at its first error: a million wrong items would make a million errors.
    stop: Annotated[list[str], Field(max_length=1024, fail_fast=True)] | None = None
    temperature: Finite | None = None
    top_k: Count | None = None
    top_n_tokens: Count | None = Field(None, description="Rejected above 0")
    top_p: Finite | None = None
    truncate: Count | None = Field(None, description="Rejected unless null")
    typical_p: Finite | None = None
    watermark: bool | None = Field(None, description="Rejected if true")


class TgiRequest(BaseModel):
    """The body of POST /generate and POST /generate_stream."""

    model_config = _REPORTING

    inputs: str = Field(description="The text to continue, without a chat template")
    parameters: TgiParameters | None = None
    model: str | None = Field(
        None,
        description="Not in that API: Workspace, preset or adapter; required if several are served",
    )


class TgiCompatibleRequest(TgiRequest):
    """The body of POST /, which streams if `stream` is true."""

    stream: bool | None = None


class TgiDetails(BaseModel):
    """How an answer ended. The contract carries no tokens, so their lists are empty."""

    finish_reason: str
    generated_tokens: int
    seed: int | None
    prefill: list[Any]
    tokens: list[Any]


class TgiResponse(BaseModel):
    """The answer of POST /generate; POST / returns a list of one."""

    generated_text: str
    details: TgiDetails | None = None


class TgiInfo(BaseModel):
    """The model that answers, and the limits of requests. Lengths count tokens."""

    model_id: str
    model_dtype: str
    model_device_type: str
    model_pipeline_tag: str = "text-generation"
    max_concurrent_requests: int
    max_best_of: int = 1
    max_stop_sequences: int = 16
    max_input_tokens: int
    max_total_tokens: int
    max_client_batch_size: int = 1
    router: str = "kaito-inference-gateway"
    version: str
