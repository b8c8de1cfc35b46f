"""Counting parameters from headers of safetensors."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from tuner.base_model.model_size import count_parameters


def write(path: Path, dtype: str = "BF16", **shapes: list[int]) -> None:
    header: dict[str, Any] = {
        name: {"dtype": dtype, "shape": shape, "data_offsets": [0, 0]}
        for name, shape in shapes.items()
    }
    data = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(data)) + data)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_one_file(model: Path) -> None:
    write(model / "model.safetensors", a=[3, 5], b=[7])
    assert count_parameters(model) == 22


def test_only_the_files_that_the_index_names(model: Path) -> None:
    write(model / "model-1.safetensors", a=[3])
    write(model / "model-2.safetensors", b=[4])
    write(model / "consolidated.safetensors", a=[3], b=[4])
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (model / "model.safetensors.index.json").write_text(json.dumps(index))
    assert count_parameters(model) == 7


@pytest.mark.parametrize(
    "spoil",
    [
        lambda model: (model / "model.safetensors").unlink(),
        lambda model: (model / "config.json").unlink(),
        lambda model: (model / "config.json").write_text("[]"),
        lambda model: (model / "config.json").write_text('{"num_experts_per_tok": 2}'),
        lambda model: (model / "model.safetensors").write_bytes(b""),
        lambda model: (model / "model.safetensors").write_bytes(b"\xff" * 100),
        lambda model: write(model / "model.safetensors", dtype="U8", a=[3]),
        lambda model: (model / "model.safetensors.index.json").write_text("{}"),
    ],
    ids=[
        "no weights",
        "no configuration",
        "a list as configuration",
        "a mixture of experts",
        "an empty file",
        "garbage",
        "quantized",
        "an index without files",
    ],
)
def test_unknown(model: Path, spoil: Any) -> None:
    write(model / "model.safetensors", a=[3])
    spoil(model)
    assert count_parameters(model) is None


def test_the_real_thing(model_dir: Path) -> None:
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(model_dir)
    assert count_parameters(model_dir) == sum(p.numel() for p in loaded.parameters())
