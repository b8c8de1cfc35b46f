"""The number formats that a run computes in. Pure; the device is detected elsewhere."""

from dataclasses import dataclass, replace
from typing import Literal

from kaito_training.sections import Dtype, QuantizationConfig

ComputeDtype = Literal["bfloat16", "float16", "float32"]


@dataclass(frozen=True, slots=True)
class Device:
    """The device that a run computes on. `bfloat16`: in hardware, not emulated."""

    gpu: bool
    bfloat16: bool


@dataclass(frozen=True, slots=True)
class Precision:
    """The `dtype` of the base model's weights, and the mixed precision of the training."""

    dtype: ComputeDtype
    bf16: bool
    fp16: bool


def choose_precision(requested: Dtype | None, device: Device) -> Precision:
    """The precision closest to the requested one that is fast on `device`."""
    half = _half_precision(device)
    dtype: ComputeDtype = half if requested in (None, "auto", "bfloat16", "float16") else "float32"
    if requested == "float16" and device.gpu:
        dtype = "float16"
    return Precision(dtype, bf16=dtype == "bfloat16", fp16=dtype == "float16")


def fit_quantization(config: QuantizationConfig, precision: Precision) -> QuantizationConfig:
    """`config` with a compute type that the device has: GPUs before Ampere lack bfloat16."""
    if config.bnb_4bit_compute_dtype == "bfloat16" and not precision.bf16:
        return replace(config, bnb_4bit_compute_dtype=precision.dtype)
    return config


def _half_precision(device: Device) -> ComputeDtype:
    if device.bfloat16:
        return "bfloat16"
    # On CPUs float16 is emulated or slow, so the fallback is float32.
    return "float16" if device.gpu else "float32"
