"""Whether a node holds the new pod beside the old one."""

from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from kaito_presets import catalog
from workspace_controller.plan.serving.updates.room import holds_two

PHI = catalog.load().find("phi-3-mini-128k-instruct")


def node(**allocatable: str) -> Manifest:
    given = {"cpu": "4", "memory": "16Gi", **allocatable}
    renamed = {k.replace("gpu", "nvidia.com/gpu"): v for k, v in given.items()}
    return {"status": {"allocatable": renamed}}


def pod(*resources: dict[str, Any]) -> Manifest:
    return {"containers": [{"resources": each} for each in resources]}


SMALL = {"requests": {"cpu": "500m", "memory": "1Gi"}}
ONE_GPU = {**SMALL, "limits": {"nvidia.com/gpu": "1"}}


@pytest.mark.parametrize(
    ("nodes", "spec", "expected"),
    [
        ([node()], pod(SMALL), True),
        ([node(gpu="1")], pod(ONE_GPU), False),
        ([node(gpu="2")], pod(ONE_GPU), True),
        ([node(gpu="2"), node(gpu="1")], pod(ONE_GPU), False),
        ([node()], pod(ONE_GPU), False),
        ([node(cpu="900m")], pod(SMALL), False),
        ([node(memory="1500Mi")], pod(SMALL), False),
        ([node(memory="3Gi")], pod(SMALL, SMALL), False),
        ([node()], pod({}), False),
        ([node(gpu="2")], pod(SMALL, {"limits": {"nvidia.com/gpu": "1"}}), False),
        ([node()], pod({"limits": {"cpu": "1", "memory": "1Gi"}}), True),
        ([], pod(SMALL), False),
        ([node(cpu="odd")], pod(SMALL), False),
        ([{"status": {}}], pod(SMALL), False),
    ],
    ids=[
        "room",
        "one GPU",
        "two GPUs",
        "one of two nodes is too small",
        "no GPU",
        "too little CPU",
        "too little memory",
        "two containers",
        "nothing is requested",
        "one of two requests no memory",
        "only limits",
        "no node",
        "not a quantity",
        "no allocatable",
    ],
)
def test_node_has_room_for_two_pods(nodes: list[Manifest], spec: Manifest, expected: bool) -> None:
    assert holds_two(nodes, spec, None) is expected


def test_weights_count_where_the_model_is_in_the_nodes_memory() -> None:
    """phi-3-mini has more than 7 GiB of weights; its pod requests 1 GiB."""
    assert not holds_two([node(memory="14Gi")], pod(SMALL), PHI)
    assert holds_two([node(memory="16Gi")], pod(SMALL), PHI)
    assert holds_two([node(memory="14Gi", gpu="2")], pod(ONE_GPU), PHI)
