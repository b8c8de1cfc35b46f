"""Which routes are ours, and how they are taken away."""

import pytest

from tools.local_cluster.host import network


@pytest.mark.parametrize(
    ("listed", "spelled"),
    [
        pytest.param(
            {"type": "blackhole", "dst": "10.244.0.0/16"},
            ["blackhole", "10.244.0.0/16"],
            id="the pods' range",
        ),
        pytest.param({"dst": "10.244.3.0/24"}, ["10.244.3.0/24"], id="a node's pods"),
        pytest.param({"dst": "10.96.0.0/16"}, ["10.96.0.0/16"], id="the Services"),
        pytest.param({"dst": "default"}, None, id="the way out"),
        pytest.param({"dst": "10.24.0.0/16"}, None, id="somebody else's"),
    ],
)
def test_our_routes(listed: dict[str, str], spelled: list[str] | None) -> None:
    assert network.deletions([listed]) == ([spelled] if spelled else [])


def test_only_what_leaves_the_machine_changes_its_source() -> None:
    rules = " ".join(network.NFT_RULES.split())
    assert "ip daddr != { 10.244.0.0/16, 172.30.0.0/24, 10.96.0.0/16 }" in rules
