"""Reads how a model's weights are quantized."""

from collections.abc import Mapping
from typing import Any

from kaito_presets.hub.model_config import ModelConfig
from kaito_presets.hub.refusal import Refused
from kaito_presets.hub.served_by_vllm import QUANTIZATIONS, VERSION
from kaito_presets.preset import Quantization

# Methods that always have this width, and whose files do not say so.
_BITS = {"mxfp4": 4, "nvfp4": 4}
# What several methods write, by the name that the presets have for it.
_NVFP4 = "nvfp4"


def read_quantization(config: ModelConfig) -> Quantization | None:
    """The method, and its width if the files say it; None for weights that are not quantized.

    Raises:
        Refused: vLLM, which alone reads quantized weights here, does not know the method.
    """
    section = config.section("quantization_config", "compression_config")
    if not section:
        return _mistral_format(config)
    name = section.get("quant_method") or section.get("quantization_method")
    method = name.lower() if isinstance(name, str) else "compressed-tensors"
    if _is_nvfp4(method, section):
        method = _NVFP4
    if method not in (*QUANTIZATIONS, _NVFP4):
        raise Refused(
            f"{config.name}: quant_method in {config.file} is {method!r}, which vLLM {VERSION} "
            "does not read",
            "name the repository of the model that is not quantized, or one in AWQ, GPTQ, FP8 or "
            "compressed-tensors",
        )
    return Quantization(method, _bits(section) or _BITS.get(method))


def _mistral_format(config: ModelConfig) -> Quantization | None:
    weight = config.section("quantization").get("qformat_weight")
    return Quantization("fp8") if isinstance(weight, str) and weight.startswith("fp8") else None


def _is_nvfp4(method: str, section: Mapping[str, Any]) -> bool:
    algorithm = str(section.get("quant_algo") or section.get("format") or "")
    return method in ("modelopt", "compressed-tensors") and algorithm.lower().startswith("nvfp4")


def _bits(section: Mapping[str, Any]) -> int | None:
    groups = section.get("config_groups")
    group: object = next(iter(groups.values()), None) if isinstance(groups, Mapping) else None
    weights = group.get("weights") if isinstance(group, Mapping) else None
    inner = weights.get("num_bits") if isinstance(weights, Mapping) else None
    bits = section.get("bits") or section.get("w_bit") or inner
    # What has eight bits does not gain from saying so.
    return bits if isinstance(bits, int) and 0 < bits < 8 else None
