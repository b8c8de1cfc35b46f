"""Fits the context and the KV cache into the available memory. Pure arithmetic.

On CUDA, transformers sizes the cache itself from what is free once the weights are loaded. On a CPU
it would take most of the machine, so the size is chosen here.
"""

from dataclasses import dataclass

from model_server import remedies
from model_server.errors import ModelLoadFailed

PAGE_TOKENS = 64
CPU_BATCH_TOKENS = 512
# On a CPU, this many conversations of full length fit before further ones wait.
_MAX_CONVERSATIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDimensions:
    """The dimensions of a decoder that decide how much memory a cached token takes."""

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    itemsize: int

    @property
    def bytes_per_token(self) -> int:
        """Bytes of cache, of its copy while attention reads it, and of its column in the mask."""
        cached = 2 * self.layers * self.kv_heads
        read_back = 2 * self.heads + self.kv_heads
        return self.itemsize * (self.head_dim * (cached + read_back) + 2 * CPU_BATCH_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class KvCacheBudget:
    """The context to serve, and the pages of `PAGE_TOKENS` tokens for all conversations."""

    context_tokens: int
    pages: int


def fit_kv_cache(
    dimensions: ModelDimensions,
    *,
    context_tokens: int,
    requested_tokens: int | None,
    budget_bytes: int,
) -> KvCacheBudget:
    """Fit the cache into `budget_bytes`. `requested_tokens` is the context that was configured.

    Raises:
        ModelLoadFailed: not even a short context fits, or the configured one does not.
    """
    longest = choose_context(context_tokens, requested_tokens)
    affordable_pages = budget_bytes // dimensions.bytes_per_token // PAGE_TOKENS
    if affordable_pages < 2 or (requested_tokens and affordable_pages * PAGE_TOKENS < longest):
        raise ModelLoadFailed(
            f"a context of {longest} tokens needs {longest * dimensions.bytes_per_token} bytes of "
            f"KV cache, and the {budget_bytes} available bytes hold "
            f"{affordable_pages * PAGE_TOKENS} tokens; lower {remedies.MAX_MODEL_LEN}, or "
            "give the container more memory"
        )
    # Rounded up to whole pages.
    pages = min(affordable_pages, -(-_MAX_CONVERSATIONS * longest // PAGE_TOKENS))
    return KvCacheBudget(context_tokens=min(longest, pages * PAGE_TOKENS), pages=pages)


def choose_context(model_tokens: int, requested_tokens: int | None) -> int:
    """The context to serve: the model's own, or less if less was requested."""
    return min(model_tokens, requested_tokens or model_tokens)
