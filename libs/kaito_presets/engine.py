"""Which engine serves a model on given GPUs. Pure.

workspace-controller decides with it, and `kubectl kaito plan` shows the same before.
"""

from kaito_presets.preset import Preset, Runtime
from kaito_skus.sku import CudaCapability, GpuSet, Vendor

ENGINES = (Runtime.VLLM, Runtime.TRANSFORMERS)
# PyTorch builds for CUDA 13, which vLLM's image has, leave older GPUs out.
_OLDEST_CAPABILITY = CudaCapability(7, 5)


def choose_engine(named: str | None, release: str, *, runs_vllm: bool) -> Runtime:
    """What the annotation names, or else the release's choice.

    Its choice `auto` is vLLM where the model's pods have GPUs that it runs on.
    """
    for choice in (named, release):
        if choice in ENGINES:
            return Runtime(choice)
    return Runtime.VLLM if runs_vllm else Runtime.TRANSFORMERS


def vllm_obstacle(preset: Preset | None, gpus: GpuSet | None) -> str | None:
    """Why vLLM cannot serve the model on these GPUs; None if it can, or nothing is known."""
    if preset is not None and Runtime.VLLM not in preset.runtimes:
        return f"vLLM cannot serve {preset.name}"
    if gpus is None:
        return None
    if gpus.count == 0:
        return "the nodes have no GPUs, and vLLM needs them"
    if gpus.vendor is not Vendor.NVIDIA:
        return "the nodes' GPUs are not NVIDIA's, which vLLM's image needs"
    capability = gpus.cuda_capability
    if capability is not None and capability < _OLDEST_CAPABILITY:
        return (
            f"{gpus.model} has CUDA capability {capability}, and vLLM needs at least "
            f"{_OLDEST_CAPABILITY}"
        )
    return None
