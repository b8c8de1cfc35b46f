"""The interface between the gRPC service and whatever runs the model.

Text goes in and text comes out: an engine may also be another process in the pod that keeps its
tokens to itself. `fake.py` implements it for tests, and passes the same tests as the real engine.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from model_server.options import GenerationOptions


class FinishReason(StrEnum):
    """Why a choice ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the model wants. `arguments` is a JSON object, as it was written."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation."""

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    name: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the client can run. `parameters` is the JSON Schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool = False


class ToolMode(StrEnum):
    """Whether the model may or must call a tool."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Whether the model calls tools, which, and how many. An empty `name` allows all of them."""

    mode: ToolMode = ToolMode.AUTO
    name: str = ""
    single_call: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Messages for the chat template, and what else it renders.

    `template_arguments` are further variables of the template.
    """

    messages: tuple[ChatMessage, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    template_arguments: Mapping[str, Any] = field(default_factory=dict)
    continue_final_message: bool = False


@dataclass(frozen=True, slots=True)
class TokenIds:
    """A prompt as ids in the vocabulary, taken as they are."""

    ids: tuple[int, ...]


Prompt = str | Conversation | TokenIds


@dataclass(frozen=True, slots=True)
class StructuredOutput:
    """What the text of an answer has to match: exactly one field is set.

    `json_schema` is JSON; `grammar` is GBNF with the start rule "root", or Lark with "start".
    """

    json_schema: str | None = None
    json_object: bool = False
    regex: str | None = None
    grammar: str | None = None
    choice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """One request for text. Requests of a lower `priority` number run first."""

    prompt: Prompt
    options: GenerationOptions
    adapter: str | None = None
    structured_output: StructuredOutput | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRequest:
    """Texts to embed, each as text, which gets special tokens, or as tokens.

    `dimensions` keeps only the first numbers of each vector. `truncate` cuts the end of an input
    that is longer than the context, instead of rejecting it.
    """

    inputs: tuple[str | TokenIds, ...]
    adapter: str | None = None
    dimensions: int | None = None
    truncate: bool = False


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A vector of length 1 for each input, and the tokens of all inputs."""

    vectors: tuple[tuple[float, ...], ...]
    prompt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The tokens of a request, and how long its first choice waited for a place in the batch."""

    prompt_tokens: int
    completion_tokens: int
    queued_seconds: float = 0.0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class LikelyToken:
    """A token with its text, its bytes and its log probability, if something precedes it."""

    id: int
    text: str
    raw: bytes
    logprob: float | None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """How likely a token was, and the likeliest ones in its place, likeliest first."""

    token: LikelyToken
    top: tuple[LikelyToken, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """Part of call number `index`. `id` and `name` come with the first part of a call."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """New text of one choice.

    The last delta of a choice has `finish_reason`; the last delta of the request has `usage`. What
    concerns the prompt is in the first delta.
    """

    index: int
    text: str
    token_count: int = 0
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    token_ids: tuple[int, ...] = ()
    tool_calls: tuple[ToolCallDelta, ...] = ()
    reasoning: str = ""
    prompt_logprobs: tuple[TokenLogprob, ...] = ()
    prompt_token_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """The loaded model. `max_length` counts tokens of prompt and answer together.

    `features` are the fields of requests, by their paths in the contract, that this engine answers
    beyond what every engine does; `http_routes` are those of its own HTTP server.
    `model_id` is what an engine in another container calls the model, if it does.
    """

    max_length: int
    has_chat_template: bool
    architecture: str
    dtype: str
    engine: str
    device: str
    features: frozenset[str] = frozenset()
    http_routes: tuple[str, ...] = ()
    model_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSource:
    """A folder that PEFT wrote, and how much of the adapter to apply (0 to 1)."""

    name: str
    path: Path
    strength: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterInfo:
    """What an adapter's configuration declares."""

    rank: int
    base_model: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token ids, and the same tokens as strings of the vocabulary."""

    ids: tuple[int, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerStats:
    """The load of the engine. `kv_cache_usage` is the used share of the KV cache, 0 to 1."""

    running: int
    waiting: int
    kv_cache_usage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request to the engine's own HTTP server. `route` is one of `ModelInfo.http_routes`.

    Names of headers are in lower case. The engine puts its own name of the model or adapter into
    the body.
    """

    route: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    adapter: str | None


@dataclass(frozen=True, slots=True)
class HttpResponseHead:
    """The status and the headers of the engine's response."""

    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """The most that was used, in bytes; `total_bytes` is what the GPUs have, None without one."""

    peak_bytes: int
    total_bytes: int | None = None


class Engine(Protocol):
    """One loaded base model. All methods are called from one event loop and never block it."""

    async def start(self) -> ModelInfo:
        """Load the model, and prove that it can generate a token.

        Raises:
            ModelLoadFailed: the model or its memory is missing, or it does not run.
        """

    def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        """Generate an answer; closing the iterator stops the generation.

        The adapter must be loaded, and stay so until the iterator is closed.

        Raises:
            InvalidRequest: the request cannot be served; raised before the first delta.
            GenerationFailed: this answer cannot be continued; raised at any point.
            EngineFailed: the engine broke; raised at any point.
        """

    async def tokenize(self, prompt: Prompt, add_special_tokens: bool) -> Tokens:
        """The tokens that `generate` would see.

        Raises:
            InvalidRequest: the prompt cannot be served.
        """

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        """The text of the tokens, with that of special tokens.

        Raises:
            InvalidRequest: an id is not in the vocabulary, or there are too many.
        """

    async def load_adapter(self, source: AdapterSource) -> AdapterInfo:
        """Load an adapter, and check that all of it has an effect.

        Raises:
            AdapterInvalid: the files are not an adapter of this model.
        """

    async def unload_adapter(self, name: str) -> None:
        """Unload an adapter that no request uses."""

    def scheduler_stats(self) -> SchedulerStats:
        """The current load."""

    async def failure(self) -> str:
        """Wait until the engine breaks permanently, and return the cause."""

    async def stop(self) -> None:
        """Drop all requests and free all resources. Safe to call at any time, also twice."""


@runtime_checkable
class EmbeddingEngine(Engine, Protocol):
    """An engine that embeds texts; it has the feature "embed"."""

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Embed texts; canceling the call stops it.

        The adapter must be loaded, and stay so until the call has ended.

        Raises:
            InvalidRequest: the request cannot be served.
            GenerationFailed: an input cannot be embedded.
            EngineFailed: the engine broke.
        """


@runtime_checkable
class ObservableEngine(Engine, Protocol):
    """An engine that knows its memory."""

    def memory_use(self) -> MemoryUse:
        """Since the process started."""


@runtime_checkable
class RelayingEngine(Engine, Protocol):
    """An engine with an HTTP server of its own."""

    def relay(self, request: HttpRequest) -> AsyncGenerator[HttpResponseHead | bytes, None]:
        """The head of the server's response, then its body in parts, as they arrive.

        Closing the iterator ends the server's work. The adapter is as in `generate`.

        Raises:
            InvalidRequest: the body is not what its content type says.
            EngineFailed: the server does not answer.
        """
