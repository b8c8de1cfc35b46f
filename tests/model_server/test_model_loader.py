"""How a model is loaded: the number format, and the factors of rotary embeddings."""

from pathlib import Path

import pytest
import torch

from model_server.transformers.model_loader import LoadOptions, choose_dtype, select_rope_factors


@pytest.mark.parametrize(
    ("dtype", "config_dtype", "gpu", "cpu_bfloat16", "expected"),
    [
        ("auto", "bfloat16", False, False, "float32"),
        ("auto", "bfloat16", False, True, "auto"),
        ("auto", "bfloat16", True, False, "auto"),
        ("auto", "bfloat16", True, True, "auto"),
        ("auto", "float16", False, False, "auto"),
        ("auto", "float32", False, False, "auto"),
        ("bfloat16", "bfloat16", False, False, "float32"),
        ("bfloat16", "bfloat16", True, False, "bfloat16"),
        ("bfloat16", "float32", False, True, "bfloat16"),
        ("float16", "bfloat16", True, False, "float16"),
        ("float32", "bfloat16", False, True, "float32"),
    ],
    ids="cpu-emulates cpu-computes gpu gpu-and-cpu half-files full-files "
    "explicit-emulated explicit-gpu explicit-computed explicit-on-gpu explicit-full".split(),
)
def test_dtype_follows_setting_files_and_hardware(
    monkeypatch: pytest.MonkeyPatch,
    dtype: str,
    config_dtype: str,
    gpu: bool,
    cpu_bfloat16: bool,
    expected: str,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    options = LoadOptions(
        path=Path("/mnt/model"),
        dtype=dtype,
        cpu_bfloat16=cpu_bfloat16,
        max_context_tokens=None,
        trust_remote_code=False,
    )
    assert choose_dtype(options, config_dtype) == expected


@pytest.mark.parametrize(("context_tokens", "factor"), [(4096, 1.0), (8192, 9.0)])
def test_longrope_factors_are_selected_by_the_context(context_tokens: int, factor: float) -> None:
    rope = {
        "rope_type": "longrope",
        "original_max_position_embeddings": 4096,
        "short_factor": [1.0],
        "long_factor": [9.0],
    }
    select_rope_factors(rope, context_tokens)
    assert rope["short_factor"] == [factor]
