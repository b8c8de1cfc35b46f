"""The GPUs of a node, from the labels of NVIDIA's GPU feature discovery. Pure."""

from collections.abc import Mapping

from kaito_skus import mig
from kaito_skus.sku import CudaCapability, GpuSet, Vendor

COUNT = "nvidia.com/gpu.count"
MEMORY_MIB = "nvidia.com/gpu.memory"
PRODUCT = "nvidia.com/gpu.product"
COMPUTE_MAJOR = "nvidia.com/gpu.compute.major"
COMPUTE_MINOR = "nvidia.com/gpu.compute.minor"
MIG_CONFIG = "nvidia.com/mig.config"
MIG_STATE = "nvidia.com/mig.config.state"

_MIG_DISABLED = ("", "all-disabled")
_MIB_PER_GIB = 1024


def from_node_labels(labels: Mapping[str, str]) -> GpuSet | None:
    """The node's GPUs, or one MIG slice of them; None if the labels do not describe them."""
    config = labels.get(MIG_CONFIG, "")
    if config not in _MIG_DISABLED:
        return _slice(config, labels)
    count = _number(labels, COUNT)
    memory_mib = _number(labels, MEMORY_MIB)
    if not count or not memory_mib:
        return None
    return GpuSet(
        model=_model(labels),
        vendor=Vendor.NVIDIA,
        count=count,
        # Rounded as upstream KAITO rounds it, so that both estimate the same.
        memory_gib=float(round(memory_mib / _MIB_PER_GIB)),
        cuda_capability=_capability(labels),
    )


def _slice(config: str, labels: Mapping[str, str]) -> GpuSet | None:
    profile = mig.parse(config.removeprefix("all-"))
    if profile is None or labels.get(MIG_STATE) != "success":
        return None
    return mig.slice_of(profile, model=_model(labels))


def _model(labels: Mapping[str, str]) -> str:
    return labels.get(PRODUCT, "NVIDIA GPU").replace("-", " ")


def _capability(labels: Mapping[str, str]) -> CudaCapability | None:
    major, minor = _number(labels, COMPUTE_MAJOR), _number(labels, COMPUTE_MINOR)
    return None if major is None or minor is None else CudaCapability(major, minor)


def _number(labels: Mapping[str, str], label: str) -> int | None:
    text = labels.get(label, "")
    return int(text) if text.isascii() and text.isdigit() else None
