"""Which GPUs a pod takes of its node."""

from dataclasses import replace
from typing import Any

import pytest

from kaito_api.workspace import parse
from kaito_skus import mig
from kaito_skus.sku import GpuSet, Vendor
from tests.workspace_controller.given import (
    inference_workspace,
    observation,
    resource,
    settings,
    stored,
)
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
    observed = replace(observation(stored(inference_workspace())), gpus=gpus)
    assert gpu_limits(observed, spec) == limits


ONE_PROFILE = {"mode": "mig", "profile": "2g.20gb"}


@pytest.mark.parametrize(
    ("allocatable", "partition", "limits"),
    [
        ([{"nvidia.com/gpu": "4"}], None, {"nvidia.com/gpu": "4"}),
        ([{"amd.com/gpu": "2"}], None, {"amd.com/gpu": "2"}),
        ([{"nvidia.com/gpu": "4"}, {"nvidia.com/gpu": "1"}], None, {"nvidia.com/gpu": "1"}),
        ([{"nvidia.com/gpu": "4"}, {"cpu": "8"}], None, {"nvidia.com/gpu": "4"}),
        ([{"nvidia.com/gpu": "4"}], {"mode": "accelerator", "count": 2}, {"nvidia.com/gpu": "2"}),
        ([{"nvidia.com/gpu": "0", "nvidia.com/mig-1g.10gb": "7"}], None,
         {"nvidia.com/mig-1g.10gb": "1"}),
        ([{"nvidia.com/mig-2g.20gb": "3"}], ONE_PROFILE, {"nvidia.com/mig-2g.20gb": "1"}),
        ([{"nvidia.com/gpu": "odd"}], None, {}),
        ([{}], None, {}),
    ],
    ids=["all", "another vendor's", "fewest", "one without", "some", "slices", "mig", "odd",
         "none"],
)  # fmt: skip
def test_gpus_that_no_label_describes_are_those_that_nodes_advertise(
    allocatable: list[Any], partition: Any, limits: dict[str, str]
) -> None:
    asked = inference_workspace(resource=resource(instanceType=None, partition=partition))
    nodes = tuple({"metadata": {}, "status": {"allocatable": each}} for each in allocatable)
    observed = observation(stored(asked), nodes=nodes, settings=settings(node_provisioner="byo"))
    assert observed.spec is not None
    assert gpu_limits(observed, observed.spec) == limits


def test_users_own_pods_request_what_their_template_says() -> None:
    asked = inference_workspace(inference={"template": {"spec": {"containers": []}}})
    nodes = ({"metadata": {}, "status": {"allocatable": {"nvidia.com/gpu": "4"}}},)
    observed = observation(stored(asked), nodes=nodes, gpus=None)
    assert observed.spec is not None
    assert gpu_limits(observed, observed.spec) == {}
