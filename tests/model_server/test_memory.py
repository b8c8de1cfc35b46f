"""What fits into memory, and the free memory itself."""

from pathlib import Path

import pytest

from model_server.errors import ModelLoadFailed
from model_server.host import free_memory
from model_server.transformers.load import settle_rope
from model_server.transformers.memory import PAGE, Geometry, plan

SMALL = Geometry(layers=2, heads=4, kv_heads=2, head_dim=16, itemsize=4)
PHI3 = Geometry(layers=32, heads=32, kv_heads=32, head_dim=96, itemsize=2)


def test_small_models_get_a_bounded_cache() -> None:
    room = plan(SMALL, context=2048, wanted=None, budget=2**34)
    assert (room.context, room.pages * PAGE) == (2048, 16 * 2048)


def test_large_models_get_what_is_there() -> None:
    room = plan(PHI3, context=131072, wanted=None, budget=4 * 2**30)
    assert room.context == room.pages * PAGE < 131072
    assert room.pages * PAGE * PHI3.bytes_per_token <= 4 * 2**30


def test_context_that_was_asked_for_is_given_or_refused() -> None:
    assert plan(PHI3, context=8192, wanted=4096, budget=2**40).context == 4096
    assert plan(PHI3, context=8192, wanted=999_999, budget=2**40).context == 8192
    with pytest.raises(ModelLoadFailed, match=r"4096 tokens.*lower KAITO_MAX_MODEL_LEN"):
        plan(PHI3, context=8192, wanted=4096, budget=2**20)


def test_cgroup_limits_what_is_free(tmp_path: Path) -> None:
    unlimited = free_memory(tmp_path)
    assert unlimited > 0
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    assert free_memory(tmp_path) == 600000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory(tmp_path) > 600000


@pytest.mark.parametrize(("context", "factor"), [(4096, 1.0), (8192, 9.0)])
def test_longrope_is_settled_by_the_context(context: int, factor: float) -> None:
    rope = {
        "rope_type": "longrope",
        "original_max_position_embeddings": 4096,
        "short_factor": [1.0],
        "long_factor": [9.0],
    }
    settle_rope(rope, context)
    assert rope["short_factor"] == [factor]
