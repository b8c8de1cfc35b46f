"""The GPUs of a node, from its labels."""

import pytest

from kaito_skus.node_labels import from_node_labels
from kaito_skus.sku import CudaCapability, GpuSet, MigProfile, Vendor

A100 = {
    "nvidia.com/gpu.count": "2",
    "nvidia.com/gpu.memory": "81920",
    "nvidia.com/gpu.product": "NVIDIA-A100-80GB-PCIe",
    "nvidia.com/gpu.compute.major": "8",
    "nvidia.com/gpu.compute.minor": "0",
}


def test_whole_gpus() -> None:
    assert from_node_labels(A100) == GpuSet(
        model="NVIDIA A100 80GB PCIe",
        vendor=Vendor.NVIDIA,
        count=2,
        memory_gib=80,
        cuda_capability=CudaCapability(8, 0),
    )


def test_memory_is_rounded_to_whole_gib() -> None:
    gpus = from_node_labels({**A100, "nvidia.com/gpu.memory": "15360"})
    assert gpus is not None
    assert gpus.total_memory_gib == 30


def test_node_with_mig_counts_as_one_slice() -> None:
    sliced = {"nvidia.com/mig.config": "all-1g.10gb", "nvidia.com/mig.config.state": "success"}
    gpus = from_node_labels(A100 | sliced)
    assert gpus is not None
    assert (gpus.count, gpus.memory_gib, gpus.mig) == (1, 10, MigProfile(1, 10))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"nvidia.com/gpu.count": "0"}, id="no GPUs"),
        pytest.param({"nvidia.com/gpu.count": "two"}, id="count is not a number"),
        pytest.param({"nvidia.com/gpu.memory": ""}, id="no memory"),
        pytest.param({"nvidia.com/mig.config": "all-1g.10gb"}, id="MIG being configured"),
        pytest.param({"nvidia.com/mig.config": "all-balanced"}, id="slices of several sizes"),
    ],
)
def test_labels_that_do_not_describe_the_gpus(change: dict[str, str]) -> None:
    assert from_node_labels(A100 | change) is None


def test_mig_disabled() -> None:
    assert from_node_labels(A100 | {"nvidia.com/mig.config": "all-disabled"}) is not None


def test_node_without_labels() -> None:
    assert from_node_labels({}) is None
