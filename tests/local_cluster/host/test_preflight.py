"""The problems reported for a machine that cannot run the cluster."""

from dataclasses import replace

import pytest

from tools.local_cluster.host import preflight
from tools.local_cluster.host.machine import Machine, Route, Socket, listening_sockets

GOOD = Machine(system="Linux", user=0, routes=(Route("default", "eth0"),))


def test_good_machine_has_no_problems() -> None:
    assert preflight.problems(GOOD) == []


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        pytest.param(replace(GOOD, system="Darwin"), ("Linux", "KUBECONFIG"), id="not Linux"),
        pytest.param(replace(GOOD, user=1000), ("root", "sudo"), id="not root"),
        pytest.param(replace(GOOD, missing_programs=("nft",)), ("nft", "build"), id="program"),
        pytest.param(replace(GOOD, missing_binaries=("etcd",)), ("etcd", "build"), id="not built"),
        pytest.param(replace(GOOD, missing_features=("net namespaces",)), ("kernel",), id="kernel"),
        pytest.param(replace(GOOD, home_filesystem="overlayfs"), ("KAITO_HOME",), id="overlay"),
        pytest.param(
            replace(GOOD, listening=(Socket("0.0.0.0", 5000),)), ("172.30.0.1:5000",), id="port"
        ),
        pytest.param(
            replace(GOOD, listening=(Socket("127.0.0.1", 10257),)), ("10257",), id="loopback port"
        ),
        pytest.param(
            replace(GOOD, routes=(Route("10.0.0.0/8", "tun0"),)), ("10.0.0.0/8", "tun0"), id="route"
        ),
    ],
)
def test_each_problem_is_reported(machine: Machine, words: tuple[str, ...]) -> None:
    (problem,) = preflight.problems(machine)
    assert all(word in problem for word in words)


def test_same_port_on_another_address_is_no_conflict() -> None:
    machine = replace(GOOD, listening=(Socket("127.0.0.1", 5000), Socket("0.0.0.0", 22)))
    assert preflight.problems(machine) == []


def test_missing_privileges_hide_other_problems() -> None:
    machine = replace(GOOD, user=1000, missing_binaries=("etcd",))
    assert len(preflight.problems(machine)) == 1


def test_listening_sockets_are_read_from_the_kernels_table() -> None:
    table = """\
  sl  local_address rem_address   st tx_queue rx_queue
   0: 0100007F:2711 00000000:0000 0A 00000000:00000000
   1: 00000000:1388 00000000:0000 0A 00000000:00000000
   2: 0100007F:2712 0100007F:9999 01 00000000:00000000
"""
    assert listening_sockets(table) == [Socket("127.0.0.1", 10001), Socket("0.0.0.0", 5000)]


def test_ipv6_socket_counts_only_when_it_listens_on_all_addresses() -> None:
    everything, loopback = "0" * 32, "0" * 31 + "1"
    table = f"header\n0: {everything}:1388 x 0A\n1: {loopback}:1389 x 0A\n"
    assert listening_sockets(table) == [Socket("0.0.0.0", 5000)]
