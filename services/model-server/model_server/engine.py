"""The seam between the gRPC service and whatever runs the model.

Text goes in and text comes out, so that an engine may as well be a process in the same pod that
keeps its tokens to itself. `fake.py` is the implementation for tests; both pass the same tests.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from model_server.options import Options


class FinishReason(StrEnum):
    """Why a choice ended."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request for text. `prompt` is text as it stands, or turns for the chat template."""

    prompt: str | tuple[Message, ...]
    options: Options
    adapter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a job cost: tokens, and the seconds its first choice waited for its turn."""

    prompt_tokens: int
    completion_tokens: int
    queued_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is new in one choice. Its last piece has `finish`; the job's very last has `usage`."""

    index: int
    text: str
    tokens: int = 0
    finish: FinishReason | None = None
    usage: Usage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What was loaded. `max_length` counts tokens of prompt and answer together."""

    max_length: int
    has_chat_template: bool
    architecture: str
    dtype: str
    engine: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterSource:
    """A folder as PEFT writes it, and how much of it to add (0..1)."""

    name: str
    path: Path
    strength: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterFacts:
    """What an adapter says of itself."""

    rank: int
    base_model: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """The ids of the vocabulary, and the same as its strings."""

    ids: tuple[int, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """How busy the engine is. `kv_used` is the used share of the KV cache, 0..1."""

    running: int
    waiting: int
    kv_used: float


class Engine(Protocol):
    """One loaded base model. Every method is called from one event loop and never blocks it."""

    async def start(self) -> Model:
        """Load the model and prove that it can make a token.

        Raises ModelLoadFailed.
        """

    def generate(self, job: Job) -> AsyncGenerator[Piece, None]:
        """Answer a job piece by piece; closing the iterator stops the generation.

        Raises InvalidRequest before the first piece, EngineFailed at any point. The adapter must
        be loaded and stay so until the iterator is closed.
        """

    async def tokenize(self, prompt: str | tuple[Message, ...], add_special_tokens: bool) -> Tokens:
        """The tokens that `generate` would see. Raises InvalidRequest."""

    async def load_adapter(self, source: AdapterSource) -> AdapterFacts:
        """Make an adapter ready, having checked that it has an effect. Raises AdapterInvalid."""

    async def unload_adapter(self, name: str) -> None:
        """Forget an adapter that no job uses."""

    def occupancy(self) -> Occupancy:
        """How busy it is right now."""

    async def failure(self) -> str:
        """Return, with the cause, once the engine broke and cannot go on. Otherwise wait."""

    async def stop(self) -> None:
        """Drop all jobs and free what is held. Safe to call at any time, also twice."""
