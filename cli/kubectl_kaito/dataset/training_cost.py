"""Hours and dollars of a training, by the tuner's own arithmetic. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from kaito_presets.preset import Preset
from kaito_skus.sku import Sku
from tuner.data_report import units
from tuner.data_report.cost import Hardware, estimate_cost

_GIB = 2**30
# Weights that are not quantized have 16 bits.
_BYTES_PER_PARAMETER = 2


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """The least and the most; None where the model's size, the GPU's speed or the price is
    unknown."""

    hours: tuple[float, float] | None
    dollars: tuple[float, float] | None


def training_cost(tokens: int, preset: Preset, sku: Sku, price: float | None) -> TrainingCost:
    """Of `tokens` in all epochs, on nodes of `price` dollars per hour."""
    hardware = Hardware(peak_tflops=sku.gpus.half_tflops, price_per_hour=price)
    found = estimate_cost(tokens, _parameters(preset), hardware)
    return TrainingCost(found.hours, found.dollars)


def in_words(hours: Sequence[float], dollars: Sequence[float] | None) -> str:
    """As the tuner says it: "about 5 to 12 minutes, $0.40 to $0.98"."""
    cost = f", {units.dollars(*dollars)}" if dollars is not None else ""
    return f"{units.about(units.hours(*hours))}{cost}"


def _parameters(preset: Preset) -> int | None:
    """About; None for weights that are quantized."""
    if preset.quantization is not None:
        return None
    return round(preset.weights_gib * _GIB / _BYTES_PER_PARAMETER)
