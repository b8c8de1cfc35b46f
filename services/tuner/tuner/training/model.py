"""Loads the base model from the model directory."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from kaito_training.sections import ModelConfig, QuantizationConfig
from tuner.base_model.error_translation import load_errors
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.training.precision import Device, Precision, fit_quantization


def detect_device(cpu_bfloat16: bool) -> Device:
    """The device of this machine. `cpu_bfloat16`: its CPU computes in bfloat16."""
    if torch.cuda.is_available():
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return Device(gpu=True, bfloat16=bool(native))
    return Device(gpu=False, bfloat16=cpu_bfloat16)


def check_model_directory(path: Path) -> None:
    """Check early for what any model has.

    Raises:
        RunError: MODEL_LOAD_FAILED, there is no model at `path`.
    """
    if not (path / "config.json").is_file():
        raise RunError(
            Reason.MODEL_LOAD_FAILED,
            f"there is no model at {path}: config.json is missing; check that the preset's model "
            "image is mounted there and holds the model's files",
        )


def load_model(
    path: Path,
    config: ModelConfig,
    quantization: QuantizationConfig,
    device: Device,
    precision: Precision,
    gpu: int | None = None,
) -> Any:
    """The base model, with quantized weights if `quantization` is active.

    It is on the GPU with the index `gpu`, or where the configuration says.

    Raises:
        RunError: MODEL_LOAD_FAILED or OUT_OF_MEMORY.
    """
    options: dict[str, Any] = {}
    if quantization.active:
        fitted = fit_quantization(quantization, precision)
        options["quantization_config"] = _bits_and_bytes_config(fitted)
    with load_errors(str(path)):
        model = AutoModelForCausalLM.from_pretrained(
            path,
            dtype=getattr(torch, precision.dtype),
            device_map=_device_map(config, device, gpu),
            local_files_only=True,
            trust_remote_code=config.trust_remote_code,
            **options,
        )
    # The KV cache serves generation; in training it wastes memory and rules out checkpointing.
    model.config.use_cache = False
    return model


def _device_map(config: ModelConfig, device: Device, gpu: int | None) -> Any:
    if not device.gpu:
        return "cpu"
    return (config.device_map or "auto") if gpu is None else {"": gpu}


def _bits_and_bytes_config(config: QuantizationConfig) -> BitsAndBytesConfig:
    options = asdict(config)
    del options["quant_method"]
    options["bnb_4bit_compute_dtype"] = getattr(torch, config.bnb_4bit_compute_dtype)
    return BitsAndBytesConfig(**options)
