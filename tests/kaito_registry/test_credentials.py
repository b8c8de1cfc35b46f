"""Reading Docker config files."""

import base64
import json
from typing import Any

import pytest

from kaito_registry.credentials import Credentials, parse_credentials
from kaito_registry.reference import Reference

AUTH = base64.b64encode(b"user:pass:word").decode()
CREDENTIALS = Credentials("user", "pass:word")


def _parse(document: Any, reference: Reference) -> Credentials:
    return parse_credentials(json.dumps(document).encode(), reference)


def _reference(registry: str, repository: str = "team/adapter") -> Reference:
    return Reference(registry, repository, "1")


def _entry(username: str) -> dict[str, str]:
    return {"username": username, "password": "p"}


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
def test_credentials_are_found(auths: Any, registry: str, expected: Credentials) -> None:
    assert _parse({"auths": auths}, _reference(registry)) == expected


@pytest.mark.parametrize(
    ("keys", "repository", "expected"),
    [
        (["a.io/team", "a.io", "a.io/other"], "team/adapter", "a.io/team"),
        (["a.io/other", "a.io"], "team/adapter", "a.io"),
        (["a.io/team/adapter", "a.io/team"], "team/adapter", "a.io/team/adapter"),
        (["a.io/team", "a.io/tea"], "team2/adapter", ""),
        (["https://a.io/team/", "https://a.io/v2/"], "team/adapter", "https://a.io/team/"),
        (["https://a.io/v1/", "a.io"], "team/adapter", "a.io"),
        (["A.io"], "team/adapter", "A.io"),
    ],
    ids=["path", "host", "repository", "part of a name", "URL", "URL and host", "capitals"],
)
def test_longest_matching_key_wins(keys: list[str], repository: str, expected: str) -> None:
    for order in (keys, keys[::-1]):
        document = {"auths": {key: _entry(key) for key in order}}
        assert _parse(document, _reference("a.io", repository)).username == expected


@pytest.mark.parametrize(
    ("document", "helper"),
    [
        ({"credsStore": "desktop"}, "desktop"),
        ({"auths": {"a.io": {}}, "credsStore": "desktop"}, "desktop"),
        ({"credHelpers": {"a.io": "ecr-login"}, "credsStore": "desktop"}, "ecr-login"),
        ({"credHelpers": {"b.io": "ecr-login"}}, ""),
        ({"auths": {"a.io": _entry("u")}, "credsStore": "desktop"}, ""),
    ],
)
def test_credential_helper_is_kept_for_the_message(document: dict[str, Any], helper: str) -> None:
    assert _parse(document, _reference("a.io")).helper == helper


@pytest.mark.parametrize(
    "content",
    [
        "",
        "x",
        "[]",
        '{"auths": [1]}',
        '{"auths": {"a.io": {"auth": "%%%"}}}',
        '{"auths": {"a.io": 1}}',
        r'{"auths": {"a.io": {"username": "u", "password": "\ud800"}}}',
    ],
)
def test_wrong_content_is_refused_and_not_quoted(content: str) -> None:
    with pytest.raises(ValueError, match=r"^not a Docker config\.json \([A-Za-z]+\)$"):
        parse_credentials(content.encode(), _reference("a.io"))


def test_what_is_null_is_not_there() -> None:
    entry = {"username": "u", "password": "p", "identitytoken": None, "auth": None}
    found = _parse({"auths": {"a.io": entry}}, _reference("a.io"))
    assert found == Credentials("u", "p")
    assert not _parse({"auths": {"a.io": dict.fromkeys(entry)}}, _reference("a.io"))


def test_repr_does_not_show_secrets() -> None:
    assert "pass:word" not in repr(CREDENTIALS)
