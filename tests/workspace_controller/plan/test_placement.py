"""Which GPUs a pod takes of its node."""

from typing import Any

import pytest

from kaito_api.workspace import parse
from kaito_skus import mig
from kaito_skus.sku import GpuSet, Vendor
from tests.workspace_controller.given import inference_workspace, resource
from workspace_controller.plan.placement import gpu_limits

FOUR = GpuSet(model="A100", vendor=Vendor.NVIDIA, count=4, memory_gib=80)
AMD = GpuSet(model="MI300", vendor=Vendor.AMD, count=1, memory_gib=192)
PROFILE = mig.parse("1g.10gb")
assert PROFILE is not None
SLICE = mig.slice_of(PROFILE)


@pytest.mark.parametrize(
    ("gpus", "partition", "limits"),
    [
        (FOUR, None, {"nvidia.com/gpu": "4"}),
        (AMD, None, {"amd.com/gpu": "1"}),
        (SLICE, None, {"nvidia.com/mig-1g.10gb": "1"}),
        (FOUR, {"mode": "mig", "profile": "2g.20gb"}, {"nvidia.com/mig-2g.20gb": "1"}),
        (FOUR, {"mode": "accelerator", "count": 2}, {"nvidia.com/gpu": "2"}),
        (FOUR, {"mode": "accelerator", "count": 9}, {"nvidia.com/gpu": "4"}),
        (None, None, {}),
    ],
    ids=["all", "another vendor's", "a slice", "mig", "some", "more than there are", "unknown"],
)
def test_gpu_limits_of_a_pod(gpus: GpuSet | None, partition: Any, limits: dict[str, str]) -> None:
    spec = parse(inference_workspace(resource=resource(partition=partition)))
    assert gpu_limits(spec, gpus) == limits
