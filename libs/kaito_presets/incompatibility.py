"""Why a model cannot run on given GPUs, as a value to show to a user."""

from dataclasses import dataclass
from enum import StrEnum

from kaito_skus.sku import CudaCapability, GpuSet, Vendor

OLDEST_CAPABILITY = CudaCapability(7, 0)
"""vLLM and current PyTorch builds have no kernels for older GPUs."""


class IncompatibilityReason(StrEnum):
    VENDOR_NOT_SUPPORTED = "GpuVendorNotSupported"
    GPU_TOO_OLD = "GpuTooOld"
    NOT_TUNABLE = "PresetNotTunable"
    METHOD_NOT_SUPPORTED = "TuningMethodNotSupported"
    NOT_ENOUGH_GPUS = "NotEnoughGpus"
    GPU_MEMORY_TOO_SMALL = "GpuMemoryTooSmall"
    TOTAL_MEMORY_TOO_SMALL = "TotalGpuMemoryTooSmall"
    NOT_DISTRIBUTED = "PresetCannotSpanNodes"
    TOO_FEW_NODES = "TooFewNodes"
    CONTEXT_TOO_LONG = "ContextTooLong"


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """`problem` states what is required and what is available, `remedy` what to do about it."""

    reason: IncompatibilityReason
    problem: str
    remedy: str

    @property
    def message(self) -> str:
        return f"{self.problem}. {self.remedy}."


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def unusable(gpus: GpuSet) -> Incompatibility | None:
    """The reason why no model runs on these GPUs, if there is one."""
    if gpus.vendor is not Vendor.NVIDIA:
        return Incompatibility(
            IncompatibilityReason.VENDOR_NOT_SUPPORTED,
            f"{gpus.model} is not an NVIDIA GPU, and models need CUDA",
            "Use an instance type with NVIDIA GPUs",
        )
    if gpus.cuda_capability is not None and gpus.cuda_capability < OLDEST_CAPABILITY:
        return Incompatibility(
            IncompatibilityReason.GPU_TOO_OLD,
            f"{gpus.model} has CUDA capability {gpus.cuda_capability}, but models need at least "
            f"{OLDEST_CAPABILITY}",
            "Use an instance type with newer GPUs",
        )
    return None
