"""Which numbers a run computes with. Pure; the device is looked at elsewhere."""

from dataclasses import dataclass, replace
from typing import Literal

from tuner.config.sections import Dtype, QuantizationConfig

Number = Literal["bfloat16", "float16", "float32"]


@dataclass(frozen=True, slots=True)
class Device:
    """What there is to compute with. `bfloat16`: in hardware, not emulated."""

    gpu: bool
    bfloat16: bool


@dataclass(frozen=True, slots=True)
class Precision:
    """`dtype` of the base model's weights, and which mixed precision training runs in."""

    dtype: Number
    bf16: bool
    fp16: bool


def choose_precision(wanted: Dtype | None, device: Device) -> Precision:
    """The precision closest to `wanted` that is fast on `device`."""
    half = _half(device)
    dtype: Number = half if wanted in (None, "auto", "bfloat16", "float16") else "float32"
    if wanted == "float16" and device.gpu:
        dtype = "float16"
    return Precision(dtype, bf16=dtype == "bfloat16", fp16=dtype == "float16")


def fit_quantization(config: QuantizationConfig, precision: Precision) -> QuantizationConfig:
    """`config` with a compute type that the device has: GPUs before Ampere have no bfloat16."""
    if config.bnb_4bit_compute_dtype == "bfloat16" and not precision.bf16:
        return replace(config, bnb_4bit_compute_dtype=precision.dtype)
    return config


def _half(device: Device) -> Number:
    if device.bfloat16:
        return "bfloat16"
    return "float16" if device.gpu else "float32"
