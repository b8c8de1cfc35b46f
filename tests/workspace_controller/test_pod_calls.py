"""Addresses of pods."""

import grpc
import pytest

from workspace_controller.pod_clients import pod_calls


@pytest.mark.parametrize(
    ("address", "target"), [("10.0.0.1", "10.0.0.1:29500"), ("fd00::1", "[fd00::1]:29500")]
)
def test_target_of_ipv4_and_ipv6_addresses(address: str, target: str) -> None:
    assert pod_calls.target(address, 29500) == target


@pytest.mark.parametrize(
    ("code", "is_logged"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, True),
        # The key may have been changed: pods get the new one in turn.
        (grpc.StatusCode.UNAUTHENTICATED, False),
        (grpc.StatusCode.UNAVAILABLE, False),
    ],
)
async def test_a_refusal_is_logged_and_a_pod_that_is_away_is_not(
    code: grpc.StatusCode, is_logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(_channel: grpc.aio.Channel) -> str:
        nothing = grpc.aio.Metadata()
        raise grpc.aio.AioRpcError(code, nothing, nothing, details="adapters[0].name is too long")

    with caplog.at_level("WARNING"):
        assert await pod_calls.ask("10.0.0.1", 29501, refuse) is None
    logged = "10.0.0.1 refuses a call: adapters[0].name is too long" in caplog.text
    assert logged is is_logged
