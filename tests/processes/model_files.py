"""The models of fuzzers and soak: small, real, and made on first use.

Runs the models' environment for what needs torch. Adapters are a program: `python -m` this module.
"""

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

from tests.processes.service import MODELS_PYTHON, SOURCE_PATH

_RANK = 4


def make_random_model(folder: Path) -> Path:
    """A model with random weights, in seconds."""
    _run("tests.model_server.tiny_model", str(folder))
    return folder


def make_adapters(model: Path, folder: Path, names: Sequence[str]) -> Path:
    """Adapters that give a Phi-3 answers of their own; the same name gives the same weights."""
    _run("tests.processes.model_files", str(model), str(folder), *names)
    return folder


def _run(module: str, *arguments: str) -> None:
    environ = os.environ | {"PYTHONPATH": SOURCE_PATH}
    subprocess.run([str(MODELS_PYTHON), "-m", module, *arguments], check=True, env=environ)


def write_adapter(model: Path, folder: Path, seed: int) -> None:
    """Write a LoRA adapter for the attention of a Phi-3, with random matrices A and B."""
    import numpy
    from safetensors.numpy import save_file

    config = json.loads((model / "config.json").read_text())
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    head = hidden // heads
    outputs = {
        "qkv_proj": head * (heads + 2 * config["num_key_value_heads"]),
        "o_proj": hidden,
    }
    source = numpy.random.default_rng(seed)
    weights = {}
    for layer in range(config["num_hidden_layers"]):
        for module, output in outputs.items():
            key = f"base_model.model.model.layers.{layer}.self_attn.{module}"
            a, b = source.normal(size=(_RANK, hidden)), source.normal(size=(output, _RANK))
            weights[f"{key}.lora_A.weight"] = a.astype("float32") / hidden**0.5
            weights[f"{key}.lora_B.weight"] = b.astype("float32") * 0.3
    folder.mkdir(parents=True)
    save_file(weights, folder / "adapter_model.safetensors")
    settings = {
        "peft_type": "LORA",
        "r": _RANK,
        "lora_alpha": 2 * _RANK,
        "target_modules": sorted(outputs),
        "base_model_name_or_path": "tiny",
    }
    (folder / "adapter_config.json").write_text(json.dumps(settings))


def main(model: str, folder: str, *names: str) -> None:
    for name in names:
        write_adapter(Path(model), Path(folder) / name, zlib.crc32(name.encode()))


if __name__ == "__main__":
    main(*sys.argv[1:])
