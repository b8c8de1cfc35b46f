"""Requests and responses of the text-generation-inference API. Unknown fields are reported.

Types are strict, as they are there. The model-server checks ranges; here a number only has to fit
the contract's type.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from inference_gateway.formats.schema_types import REPORTING, STRICT, Count, Finite, Texts

# That API's own default. Null means the model-server's, as it does there.
_DEFAULT_MAX_NEW_TOKENS = 100


class TgiJsonGrammar(BaseModel):
    """The answer is a JSON document that satisfies the schema."""

    model_config = STRICT

    type: Literal["json"]
    value: dict[str, Any] | str = Field(description="A JSON Schema, or its text")


class TgiNamedSchema(BaseModel):
    """A JSON Schema and its name."""

    model_config = STRICT

    name: str | None = None
    json_schema: dict[str, Any] = Field(alias="schema")


class TgiSchemaGrammar(BaseModel):
    """The same, as OpenAI writes it."""

    model_config = STRICT

    type: Literal["json_schema"]
    value: TgiNamedSchema


class TgiRegexGrammar(BaseModel):
    """The whole answer matches a regular expression."""

    model_config = STRICT

    type: Literal["regex"]
    value: str


TgiGrammar = Annotated[
    TgiJsonGrammar | TgiSchemaGrammar | TgiRegexGrammar, Field(discriminator="type")
]


class TgiParameters(BaseModel):
    """How to generate."""

    model_config = REPORTING

    adapter_id: str | None = Field(None, description="The adapter that answers")
    best_of: Count | None = Field(None, description="Rejected above 1")
    decoder_input_details: bool | None = Field(
        None, description="With details, return the prompt's tokens; not for a stream"
    )
    details: bool | None = Field(None, description="Return the tokens and how the answer ended")
    do_sample: bool | None = Field(None, description="Sample at random")
    frequency_penalty: Finite | None = None
    grammar: TgiGrammar | None = Field(None, description="What the answer has to match")
    max_new_tokens: Count | None = _DEFAULT_MAX_NEW_TOKENS
    repetition_penalty: Finite | None = None
    return_full_text: bool | None = Field(None, description="Return the prompt before the new text")
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    stop: Texts | None = None
    temperature: Finite | None = None
    top_k: Count | None = None
    top_n_tokens: Count | None = Field(
        None, description="With details, also return this many likeliest tokens"
    )
    top_p: Finite | None = None
    truncate: Count | None = Field(None, description="Rejected unless null")
    typical_p: Finite | None = None
    watermark: bool | None = Field(None, description="Rejected if true")


class TgiRequest(BaseModel):
    """The body of POST /generate and POST /generate_stream."""

    model_config = REPORTING

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
    """How an answer ended, and its tokens, if the engine has their log probabilities."""

    finish_reason: str
    generated_tokens: int
    seed: int | None
    prefill: list[Any]
    tokens: list[Any]
    top_tokens: list[list[Any]] | None = None


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
