"""Reading Docker config files."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.credentials import Credentials, read_credentials

AUTH = base64.b64encode(b"user:pass:word").decode()
CREDENTIALS = Credentials("user", "pass:word")


def _read(tmp_path: Path, auths: Any, registry: str = "acr.azurecr.io") -> Credentials:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"auths": auths}))
    return read_credentials(path, registry)


@pytest.mark.parametrize(
    ("auths", "registry", "expected"),
    [
        ({"acr.azurecr.io": {"auth": AUTH}}, "acr.azurecr.io", CREDENTIALS),
        ({"https://acr.azurecr.io": {"auth": AUTH}}, "acr.azurecr.io", CREDENTIALS),
        ({"10.0.0.1:5000": {"auth": AUTH}}, "10.0.0.1:5000", CREDENTIALS),
        ({"https://index.docker.io/v1/": {"auth": AUTH}}, "docker.io", CREDENTIALS),
        ({"a.io": {"username": "u", "password": "p"}}, "a.io", Credentials("u", "p")),
        ({"a.io": {"identitytoken": "t"}}, "a.io", Credentials(identity_token="t")),
        ({"other.io": {"auth": AUTH}}, "acr.azurecr.io", Credentials()),
        ({}, "acr.azurecr.io", Credentials()),
        (None, "acr.azurecr.io", Credentials()),
    ],
    ids=["auth", "URL", "port", "Docker Hub", "plain", "token", "other", "empty", "null"],
)
def test_credentials_are_found(
    auths: Any, registry: str, expected: Credentials, tmp_path: Path
) -> None:
    assert _read(tmp_path, auths, registry) == expected


def test_missing_file_means_no_credentials(tmp_path: Path) -> None:
    assert not read_credentials(tmp_path / "absent", "a.io")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "x",
        "[]",
        '{"auths": [1]}',
        '{"auths": {"a.io": {"auth": "%%%"}}}',
        '{"auths": {"a.io": 1}}',
    ],
)
def test_wrong_file_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(RunError, match="kubectl create secret docker-registry") as caught:
        read_credentials(path, "a.io")
    assert caught.value.reason is Reason.PUSH_UNAUTHORIZED


def test_repr_does_not_show_secrets() -> None:
    assert "pass:word" not in repr(CREDENTIALS)
