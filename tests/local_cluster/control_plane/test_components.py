"""The control plane's commands: where it listens, whom it trusts, whom it serves."""

from pathlib import Path

import pytest

from tools.local_cluster.control_plane import components
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes.daemons import Daemon

PATHS = Paths(Path("/cache"), Path("/home"))
API = components.apiserver(PATHS).argv


def test_api_server_listens_on_the_bridge_alone() -> None:
    assert "--bind-address=172.30.0.1" in API
    assert "--advertise-address=172.30.0.1" in API


def test_tokens_are_issued_where_their_keys_can_be_found() -> None:
    assert "--service-account-issuer=https://172.30.0.1:6443" in API


@pytest.mark.parametrize(
    "command",
    [components.controller_manager(PATHS), components.scheduler(PATHS)],
    ids=lambda command: command.name,
)
def test_the_others_listen_on_loopback(command: Daemon) -> None:
    assert "--bind-address=127.0.0.1" in command.argv


def test_etcd_speaks_only_to_who_shows_a_certificate() -> None:
    argv = components.etcd(PATHS).argv
    assert "--client-cert-auth=true" in argv
    assert "--peer-client-cert-auth=true" in argv
    assert not [word for word in argv if "http://" in word]


def test_all_run_in_one_control_group_with_a_log_each() -> None:
    command = components.host_proxy(PATHS)
    assert command.group == "kaito-local/control-plane"
    assert command.log == Path("/home/log/kube-proxy.log")
    assert command.netns is None
