"""How long a context and how large a KV cache fit into the memory that is there. Pure arithmetic.

On CUDA transformers sizes the cache itself, from what is free once the weights are loaded; on a
CPU it would take most of the machine, so the size is chosen here.
"""

from dataclasses import dataclass

from model_server.errors import ModelLoadFailed

PAGE = 64
BATCH_TOKENS = 512
# As many conversations at full length are held on a CPU before new ones wait for their turn.
_CONVERSATIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """The numbers of a decoder that decide what a cached token costs."""

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    itemsize: int

    @property
    def bytes_per_token(self) -> int:
        """Of cache, of its copy while attention reads it, and of the attention mask's column."""
        cached = 2 * self.layers * self.kv_heads
        read_back = 2 * self.heads + self.kv_heads
        return self.itemsize * (self.head_dim * (cached + read_back) + 2 * BATCH_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The context that is served, and the pages of `PAGE` tokens that hold all conversations."""

    context: int
    pages: int


def plan(geometry: Geometry, *, context: int, wanted: int | None, budget: int) -> Room:
    """Fit the cache into `budget` bytes. `wanted` is a context length that was asked for.

    Raises ModelLoadFailed when one that was asked for does not fit.
    """
    longest = choose_context(context, wanted)
    affordable = budget // geometry.bytes_per_token // PAGE
    if affordable < 2 or (wanted and affordable * PAGE < longest):
        raise ModelLoadFailed(
            f"a context of {longest} tokens needs {longest * geometry.bytes_per_token} bytes of "
            f"KV cache and {budget} are there, enough for {affordable * PAGE} tokens; lower "
            "KAITO_MAX_MODEL_LEN or give the container more memory"
        )
    pages = min(affordable, -(-_CONVERSATIONS * longest // PAGE))
    return Room(context=min(longest, pages * PAGE), pages=pages)


def choose_context(context: int, wanted: int | None) -> int:
    """The context to serve of a model that knows `context` tokens; `wanted` is at most."""
    return min(context, wanted or context)
