"""The registry's two ports."""

from pathlib import Path

from tools.local_cluster.addons import registry
from tools.local_cluster.paths import Paths

FILES = registry.configuration(Paths(Path("/cache"), Path("/home")))


def test_both_ports_serve_the_same_store() -> None:
    for name in ("registry.yml", "login-registry.yml"):
        assert "rootdirectory: /cache/registry" in FILES[name]


def test_only_the_second_port_requires_a_login() -> None:
    assert "htpasswd" not in FILES["registry.yml"]
    assert "path: /home/config/htpasswd" in FILES["login-registry.yml"]
    assert "addr: 172.30.0.1:5001" in FILES["login-registry.yml"]


def test_password_is_stored_as_bcrypt() -> None:
    user, _, digest = FILES["htpasswd"].strip().partition(":")
    assert (user, digest[:4]) == (registry.USER, "$2b$")
    assert registry.PASSWORD not in digest
