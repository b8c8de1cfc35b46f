"""Which number format is used on which device."""

import pytest

from kaito_training.sections import Dtype, QuantizationConfig
from tuner.training.precision import (
    Device,
    Precision,
    choose_precision,
    fit_quantization,
)

AMPERE, VOLTA = Device(gpu=True, bfloat16=True), Device(gpu=True, bfloat16=False)
NEW_CPU, OLD_CPU = Device(gpu=False, bfloat16=True), Device(gpu=False, bfloat16=False)
BF16 = Precision("bfloat16", bf16=True, fp16=False)
FP16 = Precision("float16", bf16=False, fp16=True)
FP32 = Precision("float32", bf16=False, fp16=False)


@pytest.mark.parametrize(
    ("requested", "device", "chosen"),
    [
        ("bfloat16", AMPERE, BF16),
        ("bfloat16", VOLTA, FP16),
        ("bfloat16", NEW_CPU, BF16),
        ("bfloat16", OLD_CPU, FP32),
        ("float16", AMPERE, FP16),
        ("float16", NEW_CPU, BF16),
        ("float32", AMPERE, FP32),
        ("auto", AMPERE, BF16),
        (None, VOLTA, FP16),
    ],
)
def test_precision_fits_the_device(
    requested: Dtype | None, device: Device, chosen: Precision
) -> None:
    assert choose_precision(requested, device) == chosen


def test_quantization_computes_in_a_format_that_the_device_has() -> None:
    config = QuantizationConfig(load_in_4bit=True, bnb_4bit_compute_dtype="bfloat16")
    assert fit_quantization(config, BF16) == config
    assert fit_quantization(config, FP16).bnb_4bit_compute_dtype == "float16"
    assert fit_quantization(QuantizationConfig(), FP16) == QuantizationConfig()
