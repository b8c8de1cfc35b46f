"""The address of a pod that gateways are given."""

import socket

import pytest

from model_server.startup.pod_address import choose_address, pod_address


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        (["10.2.3.4"], "10.2.3.4"),
        (["127.0.1.1", "10.2.3.4"], "10.2.3.4"),
        (["fe80::1", "fd00::7"], "fd00::7"),
        (["127.0.0.1", "::1", "0.0.0.0", "169.254.1.1"], ""),
        ([], ""),
    ],
)
def test_the_first_address_that_other_hosts_reach(found: list[str], chosen: str) -> None:
    assert choose_address(found) == chosen


def test_a_host_without_an_address_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert pod_address() == ""
