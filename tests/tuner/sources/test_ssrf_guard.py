"""Which addresses data may be fetched from."""

import pytest

from kaito_process.retry_policy import TransientError
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.sources.ssrf_guard import SsrfGuard, is_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",
        "10.0.0.1",
        "172.30.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "168.63.129.16",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "64:ff9b:1::7f00:1",
        "64:ff9b::a00:1",
    ],
)
def test_internal_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["20.60.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_global_address_is_public(address: str) -> None:
    assert is_public(address)


def test_one_private_address_is_enough_to_refuse_a_host() -> None:
    guard = SsrfGuard(False, lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(RunError) as caught:
        guard.addresses("both.example", 443)
    assert caught.value.reason is Reason.DATA_UNREACHABLE
    assert not caught.value.retryable
    assert "10.0.0.1" in caught.value.message
    assert "KAITO_ALLOW_PRIVATE_DATA_HOSTS" in caught.value.message


def test_private_addresses_can_be_allowed() -> None:
    assert SsrfGuard(True, lambda host, port: ["10.0.0.1"]).addresses("a", 80) == ["10.0.0.1"]


def test_unresolvable_name_is_a_transient_error() -> None:
    def fail(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(TransientError, match=r"'gone\.example' cannot be resolved"):
        SsrfGuard(False, fail).addresses("gone.example", 443)


def test_system_resolver_accepts_an_address_as_it_is() -> None:
    assert SsrfGuard(True).addresses("127.0.0.1", 80) == ["127.0.0.1"]
