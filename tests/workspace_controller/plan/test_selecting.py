"""What a pod takes of a node, and what a node must advertise for it."""

from typing import Any

import pytest

from kaito_api.workspace import parse
from kaito_skus import mig
from kaito_skus.sku import GpuSet, Vendor
from tests.workspace_controller.given import inference_workspace, node, resource
from workspace_controller.plan.selecting import gpu_limits, has_gpus, selector_labels

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
def test_what_a_pod_takes(gpus: GpuSet | None, partition: Any, limits: dict[str, str]) -> None:
    spec = parse(inference_workspace(resource=resource(partition=partition)))
    assert gpu_limits(spec, gpus) == limits


@pytest.mark.parametrize(
    ("allocatable", "enough"), [("4", True), ("8", True), ("3", False), ("odd", False)]
)
def test_what_a_node_advertises(allocatable: str, enough: bool) -> None:
    given = node("n")
    given["status"]["allocatable"] = {"nvidia.com/gpu": allocatable}
    assert has_gpus(given, {"nvidia.com/gpu": "4"}) is enough


def test_the_controllers_own_labels_select_nothing() -> None:
    chosen = {"matchLabels": {"app": "phi", "kaito.sh/workspace": "x"}}
    expressions = [{"key": "tier", "operator": "In", "values": ["gpu"]}]
    selector = {**chosen, "matchExpressions": expressions}
    spec = parse(inference_workspace(resource=resource(labelSelector=selector)))
    assert selector_labels(spec) == {"app": "phi", "tier": "gpu"}
