"""Adapter files are read in full, or rejected with the reason."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from model_server.engine import AdapterSource
from model_server.errors import AdapterInvalid
from model_server.transformers.lora import read_lora
from model_server.transformers.lora_layers import AdapterTokens, LoraLayers, group_by_adapter
from tests.model_server.tiny_model import adapter_weights, make_adapter


@pytest.fixture(scope="module")
def layers(model_folder: Path) -> LoraLayers:
    return LoraLayers(AutoModelForCausalLM.from_pretrained(model_folder), threading.Lock())


def source(folder: Path, strength: float = 1.0) -> AdapterSource:
    return AdapterSource(name="style", path=folder, strength=strength)


def edit(folder: Path, **changes: torch.Tensor | None) -> None:
    """Replace weights, or remove them, by the end of their keys."""
    weights: dict[str, Any] = adapter_weights(1)
    first = next(iter(weights)).removesuffix(".lora_A.weight")
    for name, tensor in changes.items():
        key = name if name.startswith("base") or "." in name else f"{first}.{name}.weight"
        if tensor is None:
            weights.pop(key)
        else:
            weights[key] = tensor
    save_file(weights, folder / "adapter_model.safetensors")


@pytest.mark.parametrize(
    ("config", "changes", "error"),
    [
        ({"peft_type": "IA3"}, {}, "IA3"),
        ({"use_dora": True}, {}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, {}, "modules_to_save"),
        ({"lora_alpha": "lots"}, {}, "lora_alpha = 'lots' is not a finite number"),
        ({"lora_alpha": float("nan")}, {}, "lora_alpha = nan"),
        ({"lora_alpha": [8]}, {}, "lora_alpha = "),
        ({"alpha_pattern": ["o_proj"]}, {}, "alpha_pattern"),
        ({"alpha_pattern": {"o_proj": "lots"}}, {}, "o_proj = 'lots'"),
        ({"alpha_pattern": {"(": 4}}, {}, "is not a pattern"),
        ({}, {"lora_A": torch.ones(4)}, "1 dimensions"),
        ({}, {"lora_B": None}, "only one of the matrices"),
        ({}, {"lora_A": torch.ones(4, 32)}, "trained for another model"),
        ({"r": 8}, {}, "have rank 4, and r or rank_pattern in .* says 8"),
        ({"rank_pattern": {"o_proj": 2}}, {}, "o_proj' have rank 4, .* says 2"),
        ({}, {"lora_B": torch.full((128, 4), float("nan"))}, "NaN"),
        ({}, {"base_model.model.embed.weight": torch.ones(1)}, "not a LoRA weight"),
        (
            {},
            {"base_model.model.model.layers.9.mlp.x.lora_A.weight": torch.ones(4, 4)},
            "this base model does not have",
        ),
    ],
    ids="kind dora saved alpha nan-alpha alphas pattern pattern-alpha regex dimensions "
    "one-matrix shape rank rank-pattern nan key module".split(),
)
def test_adapter_that_cannot_be_applied_in_full_is_rejected(
    layers: LoraLayers,
    tmp_path: Path,
    config: dict[str, Any],
    changes: dict[str, torch.Tensor | None],
    error: str,
) -> None:
    folder = make_adapter(tmp_path / "style", **config)
    edit(folder, **changes)
    with pytest.raises(AdapterInvalid, match=error):
        read_lora(source(folder), layers.shapes)


def test_untrained_adapter_is_rejected(layers: LoraLayers, tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "style")
    weights = adapter_weights(1)
    zeros = {k: torch.zeros_like(v) if "lora_B" in k else v for k, v in weights.items()}
    save_file(zeros, folder / "adapter_model.safetensors")
    with pytest.raises(AdapterInvalid, match="never trained"):
        read_lora(source(folder), layers.shapes)


def test_pickled_weights_are_not_opened(layers: LoraLayers, tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "style")
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(AdapterInvalid, match=r"adapter_model\.safetensors"):
        read_lora(source(folder), layers.shapes)
    (folder / "adapter_model.bin").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_model.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(AdapterInvalid, match="not a safetensors file"):
        read_lora(source(folder), layers.shapes)


@pytest.mark.parametrize(
    ("config", "strength", "scale"),
    [({}, 1.0, 2.0), ({}, 0.25, 0.5), ({"use_rslora": True}, 1.0, 4.0)],
    ids="alpha strength rslora".split(),
)
def test_output_equals_that_of_merged_weights(
    layers: LoraLayers,
    model_folder: Path,
    tmp_path: Path,
    config: dict[str, Any],
    strength: float,
    scale: float,
) -> None:
    folder = make_adapter(tmp_path / "style", **config)
    adapter = read_lora(source(folder, strength), layers.shapes)
    layers.add("style", adapter)
    merged = AutoModelForCausalLM.from_pretrained(model_folder)
    weights = adapter_weights(1)
    for key in [key for key in weights if "lora_A" in key]:
        module = merged.get_submodule(key.removeprefix("base_model.model.").split(".lora_")[0])
        change = weights[key.replace("lora_A", "lora_B")] @ weights[key]
        module.weight.data += scale * change
    tokens = torch.arange(12).unsqueeze(0)
    with torch.no_grad(), layers.whole_batch("style"):
        logits = layers._model(tokens).logits
    with torch.no_grad():
        assert torch.allclose(logits, merged(tokens).logits, atol=1e-4)
        assert not torch.allclose(logits, layers._model(tokens).logits, atol=1e-2)
    layers.remove("style")


def test_rank_and_base_model_are_read(layers: LoraLayers, tmp_path: Path) -> None:
    adapter = read_lora(source(make_adapter(tmp_path / "style")), layers.shapes)
    assert (adapter.info.rank, adapter.info.base_model) == (4, "tiny")
    assert json.loads((tmp_path / "style/adapter_config.json").read_text())["r"] == 4


def test_batch_is_grouped_by_adapter() -> None:
    assert group_by_adapter([(None, 3)], "cpu") == ()
    assert group_by_adapter([("a", 2), ("a", 1)], "cpu") == (AdapterTokens("a", slice(None)),)
    assert group_by_adapter([(None, 1), ("a", 2)], "cpu") == (AdapterTokens("a", slice(1, 3)),)
    first, second = group_by_adapter([("a", 1), ("b", 2), ("a", 1)], "cpu")
    assert isinstance(first.tokens, torch.Tensor)
    assert first.tokens.tolist() == [0, 3]
    assert second == AdapterTokens("b", slice(1, 3))
