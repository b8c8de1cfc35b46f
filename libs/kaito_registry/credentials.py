"""A Docker config.json, and its credentials for one registry. Pure."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaito_registry.reference import Reference

# `docker login` writes the second name, image references the first, and the API answers at the
# third.
HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
CREATE_SECRET = (
    "kubectl create secret docker-registry <name> --docker-server={registry} "
    "--docker-username=... --docker-password=..."
)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A name and password, or an identity token (OAuth2 refresh token), or nothing at all.

    `helper` is the credential helper that a file without credentials refers to, for messages.
    """

    username: str = ""
    password: str = ""
    identity_token: str = ""
    helper: str = ""

    def __bool__(self) -> bool:
        return bool(self.username or self.identity_token)


def parse_credentials(content: bytes, reference: Reference) -> Credentials:
    """The credentials for `reference` in a Docker config.json.

    A key is a registry, or a registry and the beginning of a repository's path; the longest one
    that matches applies. The credentials are empty if there is no entry for the registry, which may
    be open to everybody.

    Raises:
        ValueError: it is not a Docker config.json. The text quotes nothing of it.
    """
    try:
        document = json.loads(content)
        credentials = _credentials(_entry(document.get("auths") or {}, reference))
        # `docker login` on a desktop leaves the entry empty and gives its content to a helper.
        return credentials or Credentials(helper=_helper(document, reference))
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        # Without the cause: its text may quote the secret.
        raise ValueError(f"not a Docker config.json ({type(error).__name__})") from None


def _entry(auths: Mapping[str, Any], reference: Reference) -> Mapping[str, Any]:
    matching = {key: value for key, value in auths.items() if value and _matches(key, reference)}
    # The plain key wins over a URL of the same length, whatever their order in the file.
    best = max(matching, key=lambda key: (len(_prefix(key)), "://" not in key), default=None)
    return {} if best is None else matching[best]


def _matches(key: str, reference: Reference) -> bool:
    host, slash, path = _prefix(key).partition("/")
    names = HUB_NAMES if reference.registry in HUB_NAMES else (reference.registry.lower(),)
    return host in names and f"{reference.repository}/".startswith(f"{path}{slash}")


def _prefix(key: str) -> str:
    """`key` as "<registry>" or "<registry>/<path>".

    Keys may be URLs, and `docker login` writes the version of the API behind Docker Hub's name.
    """
    host, _, path = key.rpartition("://")[2].partition("/")
    path = path.strip("/")
    host = host.lower()
    return host if path in ("", "v1", "v2") else f"{host}/{path}"


def _helper(document: Mapping[str, Any], reference: Reference) -> str:
    helpers = document.get("credHelpers") or {}
    matching = [name for key, name in helpers.items() if _matches(key, reference)]
    return str(matching[0] if matching else document.get("credsStore") or "")


def _credentials(entry: Mapping[str, Any]) -> Credentials:
    fields = ("username", "password", "identitytoken")
    # Some tools write null for what there is not.
    username, password, token = (str(entry.get(field) or "") for field in fields)
    if entry.get("auth"):
        try:
            decoded = base64.b64decode(entry["auth"], validate=True).decode()
        except binascii.Error as error:
            raise ValueError("auth is not base64") from error
        username, _, password = decoded.partition(":")
    # JSON can escape half a character, which no header and no message can hold.
    f"{username}{password}{token}".encode()
    return Credentials(username, password, token)
