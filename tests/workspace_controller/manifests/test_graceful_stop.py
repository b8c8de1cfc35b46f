"""The times within a pod's grace period fit into each other, whatever the grace period is."""

import pytest

from workspace_controller.manifests.graceful_stop import stop_gateway, stop_model_server
from workspace_controller.settings import MIN_GRACE_PERIOD_SECONDS


@pytest.mark.parametrize("grace", [MIN_GRACE_PERIOD_SECONDS, 45, 630, 86400])
def test_both_containers_are_done_before_the_kubelet_kills_them(grace: int) -> None:
    for stop in (stop_gateway(grace), stop_model_server(grace)):
        assert stop.drain_seconds > 0
        # One second is what the model-server takes to free the model and exit.
        assert stop.pre_stop_seconds + stop.drain_seconds + 1 < grace


@pytest.mark.parametrize("grace", [MIN_GRACE_PERIOD_SECONDS, 45, 630, 86400])
def test_the_model_server_answers_as_long_as_the_gateway_asks(grace: int) -> None:
    gateway, server = stop_gateway(grace), stop_model_server(grace)
    assert server.pre_stop_seconds > gateway.pre_stop_seconds
    assert (
        server.pre_stop_seconds + server.drain_seconds
        > gateway.pre_stop_seconds + gateway.drain_seconds
    )


def test_the_default_is_long_enough_for_the_longest_request() -> None:
    # The gateway's default of KAITO_REQUEST_TIMEOUT_SECONDS.
    assert stop_gateway(630).drain_seconds >= 600
