"""Reading a Node's conditions."""

import pytest

from tools.local_cluster.control_plane import kube_api


@pytest.mark.parametrize(
    ("node", "status"),
    [
        ({}, "Unknown"),
        ({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, "False"),
        ({"status": {"conditions": [{"type": "Other", "status": "True"}]}}, "Unknown"),
    ],
    ids=["new node", "not ready", "other conditions"],
)
def test_condition(node: dict[str, object], status: str) -> None:
    assert kube_api.condition(node, "Ready")["status"] == status
