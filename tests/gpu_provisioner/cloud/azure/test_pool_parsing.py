"""Agent pools as ARM returns them."""

from typing import Any

import pytest

from gpu_provisioner.cloud.azure.pool_parsing import pool


@pytest.mark.parametrize(
    ("properties", "count"),
    [({"count": 1}, 1), ({"count": 2}, 2), ({"count": 0}, 0), ({"count": None}, 1), ({}, 1)],
)
def test_pool_that_names_no_count_was_not_scaled(properties: dict[str, Any], count: int) -> None:
    assert pool({"name": "ws0", "properties": properties}).count == count
