"""The models that are built from a config, and the versions they are checked with."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.size import SIZES
from tools.venvs import ROOT
from workspace_controller.settings import VLLM_IMAGE

CONFIGS = sorted((ROOT / "benchmarks" / "models").glob("*.json"))


def parameters(config: dict[str, Any]) -> int:
    """Of a Llama without biases, in its matrices."""
    hidden, layers = config["hidden_size"], config["num_hidden_layers"]
    head = config.get("head_dim", hidden // config["num_attention_heads"])
    heads = 2 * config["num_attention_heads"] + 2 * config["num_key_value_heads"]
    layer = hidden * head * heads + 3 * hidden * config["intermediate_size"]
    return int(layers * layer + 2 * config["vocab_size"] * hidden)


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_a_model_has_the_size_that_its_name_says(file: Path) -> None:
    number, unit = re.fullmatch(r"llama-(\d+)([mb])", file.stem).groups()  # type: ignore[union-attr]
    named = int(number) * (10**9 if unit == "b" else 10**6)
    assert 0.2 * named < parameters(json.loads(file.read_text())) < 1.2 * named


def test_a_gpu_gets_a_model_of_one_to_eight_billion_parameters() -> None:
    for size in ("1b", "8b"):
        config = json.loads((ROOT / "benchmarks/models" / f"{SIZES[size].model}.json").read_text())
        assert 10**9 <= parameters(config) <= 8 * 10**9


def test_vllm_is_checked_in_the_version_of_its_image() -> None:
    wanted = (ROOT / "requirements" / "vllm-cuda.txt").read_text()
    assert f"vllm=={VLLM_IMAGE.rsplit(':v', 1)[1]}\n" in wanted
