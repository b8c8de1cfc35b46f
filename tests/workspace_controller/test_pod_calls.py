"""Addresses of pods."""

import pytest

from workspace_controller import pod_calls


@pytest.mark.parametrize(
    ("address", "target"), [("10.0.0.1", "10.0.0.1:29500"), ("fd00::1", "[fd00::1]:29500")]
)
def test_target_of_ipv4_and_ipv6_addresses(address: str, target: str) -> None:
    assert pod_calls.target(address, 29500) == target
