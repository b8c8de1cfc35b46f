"""What is read from a Node."""

import pytest

from tools.local_cluster import kubeapi


@pytest.mark.parametrize(
    ("node", "status"),
    [
        ({}, "Unknown"),
        ({"status": {"conditions": [{"type": "Ready", "status": "False"}]}}, "False"),
        ({"status": {"conditions": [{"type": "Other", "status": "True"}]}}, "Unknown"),
    ],
    ids=["just made", "not ready", "other conditions"],
)
def test_condition(node: dict[str, object], status: str) -> None:
    assert kubeapi.condition(node, "Ready")["status"] == status
