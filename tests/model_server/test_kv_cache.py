"""The KV cache and the context that fit into memory."""

import pytest

from model_server.errors import ModelLoadFailed
from model_server.transformers.kv_cache import PAGE_TOKENS, ModelDimensions, fit_kv_cache

SMALL = ModelDimensions(layers=2, heads=4, kv_heads=2, head_dim=16, itemsize=4)
PHI3 = ModelDimensions(layers=32, heads=32, kv_heads=32, head_dim=96, itemsize=2)


def test_cache_of_a_small_model_is_bounded() -> None:
    budget = fit_kv_cache(SMALL, context_tokens=2048, requested_tokens=None, budget_bytes=2**34)
    assert (budget.context_tokens, budget.pages * PAGE_TOKENS) == (2048, 16 * 2048)


def test_large_model_gets_what_is_available() -> None:
    budget = fit_kv_cache(
        PHI3, context_tokens=131072, requested_tokens=None, budget_bytes=4 * 2**30
    )
    assert budget.context_tokens == budget.pages * PAGE_TOKENS < 131072
    assert budget.pages * PAGE_TOKENS * PHI3.bytes_per_token <= 4 * 2**30


def test_requested_context_is_granted_or_rejected() -> None:
    assert (
        fit_kv_cache(
            PHI3, context_tokens=8192, requested_tokens=4096, budget_bytes=2**40
        ).context_tokens
        == 4096
    )
    assert (
        fit_kv_cache(
            PHI3, context_tokens=8192, requested_tokens=999_999, budget_bytes=2**40
        ).context_tokens
        == 8192
    )
    with pytest.raises(ModelLoadFailed, match=r"4096 tokens.*lower KAITO_MAX_MODEL_LEN"):
        fit_kv_cache(PHI3, context_tokens=8192, requested_tokens=4096, budget_bytes=2**20)
