"""How many parts, stages and copies a model gets."""

import pytest

from kaito_presets import catalog
from kaito_presets.preset import Preset
from workspace_controller.vllm.parallelism import Parallelism, choose


def preset(name: str) -> Preset:
    found = catalog.load().find(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "gpus", "memory_gib", "nodes", "sizes"),
    [
        ("phi-3-mini-4k-instruct", 1, 80, 1, (1, 1, 1)),
        # Copies of a small model.
        ("phi-4", 4, 80, 1, (1, 1, 4)),
        ("ministral-3-3b-instruct", 2, 94, 1, (1, 1, 2)),
        # Nothing is known of the memory, so it is not taken for granted that copies fit.
        ("phi-3-mini-4k-instruct", 2, None, 1, (2, 1, 1)),
        ("llama-3.3-70b-instruct", 4, 80, 1, (4, 1, 1)),
        ("gpt-oss-120b", 2, 80, 1, (2, 1, 1)),
        # 10 heads of keys and values cannot be cut into four parts of one size.
        ("phi-4", 4, 16, 1, (2, 2, 1)),
        # 71 heads cannot be cut at all.
        ("falcon-7b", 2, 16, 1, (1, 2, 1)),
        # A single head of keys and values is copied.
        ("gemma-4-e2b-it", 2, 16, 1, (2, 1, 1)),
        ("llama-3.3-70b-instruct", 2, 80, 2, (2, 2, 1)),
        ("gpt-oss-20b", 1, 24, 2, (1, 2, 1)),
        ("deepseek-r1-0528", 2, 94, 6, (2, 6, 1)),
        ("mistral-large-3-675b-instruct", 8, 80, 2, (8, 2, 1)),
    ],
)
def test_sizes(
    name: str, gpus: int, memory_gib: float | None, nodes: int, sizes: tuple[int, int, int]
) -> None:
    chosen = choose(preset(name), gpus=gpus, memory_gib=memory_gib, nodes=nodes)
    tensor, pipeline, data = sizes
    assert chosen == Parallelism(tensor=tensor, pipeline=pipeline, data=data)


@pytest.mark.parametrize("model", catalog.load().presets, ids=lambda model: model.name)
@pytest.mark.parametrize(("gpus", "nodes"), [(1, 1), (2, 1), (8, 1), (3, 2), (8, 4)])
def test_every_gpu_is_used_and_every_part_has_the_same_size(
    model: Preset, gpus: int, nodes: int
) -> None:
    chosen = choose(model, gpus=gpus, memory_gib=24, nodes=nodes)
    assert chosen.gpus == gpus * nodes
    assert model.attention.heads % chosen.tensor == 0
    # vLLM wants as many processes on every node.
    assert chosen.tensor * chosen.pipeline * chosen.data % nodes == 0
