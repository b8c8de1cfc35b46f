"""Which servers are behind the proxy that the environment names."""

import pytest

from kaito_kube.proxies import proxy_for

PROXY = "http://proxy:3128"


@pytest.mark.parametrize(
    ("places", "host", "direct"),
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
def test_what_no_proxy_names_is_asked_directly(
    monkeypatch: pytest.MonkeyPatch, places: str, host: str, direct: bool
) -> None:
    for name in ("no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", places)
    assert proxy_for("https", host) == (None if direct else PROXY)
    assert proxy_for("ftps", host) is None
