"""Which servers are reached through the proxy that the environment sets."""

import pytest

from kaito_kube.proxies import proxy_for

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("", "10.0.0.1", False),
        ("10.0.0.0/16", "10.0.0.1", True),
        ("localhost, 10.0.0.5/16", "10.0.0.1", True),
        ("10.1.0.0/16", "10.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("fd00::/8", "fd00::1", True),
        ("10.0.0.0/16", "fd00::1", False),
        ("10.0.0.0/99,.svc", "kubernetes.default.svc", True),
        ("10.0.0.0/16", "api.example", False),
        ("*", "api.example", True),
    ],
)
def test_hosts_in_no_proxy_are_reached_directly(
    monkeypatch: pytest.MonkeyPatch, no_proxy: str, host: str, direct: bool
) -> None:
    for name in ("no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert proxy_for("https", host) == (None if direct else PROXY)
    assert proxy_for("ftps", host) is None
