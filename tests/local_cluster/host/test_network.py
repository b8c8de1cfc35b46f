"""Which routes belong to the cluster, and how they are deleted."""

import pytest

from tools.local_cluster.host import network


@pytest.mark.parametrize(
    ("route", "arguments"),
    [
        pytest.param(
            {"type": "blackhole", "dst": "10.244.0.0/16"},
            ["blackhole", "10.244.0.0/16"],
            id="pod range",
        ),
        pytest.param({"dst": "10.244.3.0/24"}, ["10.244.3.0/24"], id="pods of a node"),
        pytest.param({"dst": "10.96.0.0/16"}, ["10.96.0.0/16"], id="Service range"),
        pytest.param({"dst": "default"}, None, id="default route"),
        pytest.param({"dst": "10.24.0.0/16"}, None, id="foreign route"),
    ],
)
def test_only_our_routes_are_deleted(route: dict[str, str], arguments: list[str] | None) -> None:
    assert network.deletions([route]) == ([arguments] if arguments else [])


def test_only_traffic_that_leaves_the_machine_is_masqueraded() -> None:
    rules = " ".join(network.NFT_RULES.split())
    assert "ip daddr != { 10.244.0.0/16, 172.30.0.0/24, 10.96.0.0/16 }" in rules
