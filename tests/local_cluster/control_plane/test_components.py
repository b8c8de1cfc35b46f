"""The control plane's command lines: addresses, trust and control groups."""

from pathlib import Path

import pytest

from tools.local_cluster.control_plane import components
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes.daemons import Daemon

PATHS = Paths(Path("/cache"), Path("/home"))
API = components.apiserver(PATHS).argv


def test_api_server_listens_on_the_bridge_only() -> None:
    assert "--bind-address=172.30.0.1" in API
    assert "--advertise-address=172.30.0.1" in API


def test_token_issuer_is_the_api_server() -> None:
    assert "--service-account-issuer=https://172.30.0.1:6443" in API


@pytest.mark.parametrize(
    "daemon",
    [components.controller_manager(PATHS), components.scheduler(PATHS)],
    ids=lambda daemon: daemon.name,
)
def test_other_components_listen_on_loopback(daemon: Daemon) -> None:
    assert "--bind-address=127.0.0.1" in daemon.argv


def test_etcd_requires_client_certificates() -> None:
    argv = components.etcd(PATHS).argv
    assert "--client-cert-auth=true" in argv
    assert "--peer-client-cert-auth=true" in argv
    assert not [word for word in argv if "http://" in word]


def test_components_share_a_control_group_and_have_separate_logs() -> None:
    daemon = components.host_proxy(PATHS)
    assert daemon.group == "kaito-local/control-plane"
    assert daemon.log == Path("/home/log/kube-proxy.log")
    assert daemon.netns is None
