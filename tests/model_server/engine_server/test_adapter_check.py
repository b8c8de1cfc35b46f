"""Adapters are checked by the rules of every engine, without torch, before vLLM gets them."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from model_server.engine import AdapterSource
from model_server.engine_server.adapter_check import check_adapter
from model_server.engine_server.model_shapes import ModelShapes, read_model_shapes
from model_server.errors import AdapterInvalid
from tests.model_server.tiny_model import adapter_weights, make_adapter

_FIRST = "base_model.model.model.layers.0.self_attn.qkv_proj"


@pytest.fixture(scope="module")
def model(model_folder: Path) -> ModelShapes:
    return read_model_shapes(model_folder)


def check(folder: Path, model: ModelShapes) -> tuple[int, str]:
    info = check_adapter(AdapterSource(name="style", path=folder), model)
    return info.rank, info.base_model


def edit(folder: Path, **changes: torch.Tensor | None) -> None:
    """Replace weights of the first module, or others by their keys; None removes one."""
    weights: dict[str, Any] = adapter_weights(1)
    for name, tensor in changes.items():
        key = name if "." in name else f"{_FIRST}.{name}.weight"
        weights |= {key: tensor}
    kept = {key: tensor for key, tensor in weights.items() if tensor is not None}
    save_file(kept, folder / "adapter_model.safetensors")


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16])
def test_an_adapter_of_the_model_passes(
    model: ModelShapes, tmp_path: Path, kind: torch.dtype
) -> None:
    folder = make_adapter(tmp_path / "style")
    converted = {key: tensor.to(kind) for key, tensor in adapter_weights(1).items()}
    save_file(converted, folder / "adapter_model.safetensors")
    assert check(folder, model) == (4, "tiny")


@pytest.mark.parametrize(
    ("config", "changes", "error"),
    [
        ({"use_dora": True}, {}, "use_dora"),
        ({}, {"lora_A": torch.ones(4)}, "1 dimensions"),
        ({}, {"lora_B": None}, "only one of the matrices"),
        ({}, {"lora_A": torch.ones(4, 32)}, "this base model's is 128 x 64"),
        ({"r": 8}, {}, "have rank 4, and r or rank_pattern in .* says 8"),
        ({}, {"lora_B": torch.full((128, 4), float("nan"))}, "NaN or infinity"),
        ({}, {"lora_B": torch.full((128, 4), float("inf")).bfloat16()}, "NaN or infinity"),
        ({}, {"lora_B": torch.full((128, 4), float("-inf")).half()}, "NaN or infinity"),
        ({}, {"lora_B": torch.ones(128, 4, dtype=torch.int32)}, "number format I32; save it as"),
        ({}, {"base_model.model.embed.weight": torch.ones(1)}, "not a LoRA weight"),
        (
            {},
            {"base_model.model.model.layers.9.mlp.x.lora_A.weight": torch.ones(4, 4)},
            "this base model does not have",
        ),
    ],
    ids="dora dimensions one-matrix shape rank nan infinity-bf16 infinity-f16 format key "
    "module".split(),
)
def test_an_adapter_that_would_not_be_applied_in_full_is_named(
    model: ModelShapes,
    tmp_path: Path,
    config: dict[str, Any],
    changes: dict[str, torch.Tensor | None],
    error: str,
) -> None:
    folder = make_adapter(tmp_path / "style", **config)
    edit(folder, **changes)
    with pytest.raises(AdapterInvalid, match=error):
        check(folder, model)


def test_an_adapter_that_was_never_trained_is_named(model: ModelShapes, tmp_path: Path) -> None:
    folder = make_adapter(tmp_path / "style")
    # Minus zero is zero, too.
    untrained = {
        key: tensor * -0.0 if "lora_B" in key else tensor
        for key, tensor in adapter_weights(1).items()
    }
    save_file(untrained, folder / "adapter_model.safetensors")
    with pytest.raises(AdapterInvalid, match="every lora_B is zero; it was never trained"):
        check(folder, model)


@pytest.mark.parametrize("content", [b"", b"\x80pickle", None])
def test_what_is_no_safetensors_file_is_named(
    model: ModelShapes, tmp_path: Path, content: bytes | None
) -> None:
    folder = make_adapter(tmp_path / "style")
    file = folder / "adapter_model.safetensors"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(AdapterInvalid, match=r"adapter_model\.safetensors"):
        check(folder, model)


def test_a_quantized_module_has_no_shape_to_compare(tmp_path: Path) -> None:
    packed = {f"model.layers.{layer}.self_attn.{name}.qweight": torch.ones(2, 2, dtype=torch.int32)
              for layer in range(2) for name in ("qkv_proj", "o_proj")}  # fmt: skip
    save_file(packed, tmp_path / "model.safetensors")
    assert check(make_adapter(tmp_path / "style"), read_model_shapes(tmp_path)) == (4, "tiny")


def test_a_module_is_found_under_another_beginning_of_its_name(tmp_path: Path) -> None:
    save_file({"language_model.model.layers.0.mlp.up_proj.weight": torch.ones(8, 4)},
              tmp_path / "model.safetensors")  # fmt: skip
    model = read_model_shapes(tmp_path)
    found = model.find("model.language_model.layers.0.mlp.up_proj")
    assert found and model.shapes[found] == (8, 4)
    assert model.find("model.language_model.layers.1.mlp.up_proj") is None


def test_a_model_without_files_promises_no_shapes(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"torn")
    assert check(make_adapter(tmp_path / "style"), read_model_shapes(tmp_path)) == (4, "tiny")
