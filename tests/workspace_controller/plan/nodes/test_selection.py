"""Which nodes can be used."""

import pytest

from tests.workspace_controller.given import node
from workspace_controller.plan.nodes.selection import has_gpus


@pytest.mark.parametrize(
    ("allocatable", "enough"), [("4", True), ("8", True), ("3", False), ("odd", False)]
)
def test_node_advertises_enough_gpus(allocatable: str, enough: bool) -> None:
    given = node("n")
    given["status"]["allocatable"] = {"nvidia.com/gpu": allocatable}
    assert has_gpus(given, {"nvidia.com/gpu": "4"}) is enough
