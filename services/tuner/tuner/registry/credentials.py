"""The push secret: a Docker config.json, and its credentials for one registry."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.errors import RunError
from tuner.reasons import Reason

# `docker login` writes the second name, image references the first, and the API answers at the
# third.
HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
CREATE_SECRET = (
    "kubectl create secret docker-registry <name> --docker-server={registry} "
    "--docker-username=... --docker-password=..."
)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A name and password, or an identity token (OAuth2 refresh token), or nothing at all."""

    username: str = ""
    password: str = ""
    identity_token: str = ""

    def __bool__(self) -> bool:
        return bool(self.username or self.identity_token)


def read_credentials(path: Path, registry: str) -> Credentials:
    """The credentials for `registry` (host with optional port) in the Docker config.json at `path`.

    They are empty if the file does not exist or has no entry for the registry, which may accept
    anonymous pushes.

    Raises:
        RunError: PUSH_UNAUTHORIZED, the file is not a Docker config.json.
    """
    try:
        document = json.loads(path.read_bytes())
        auths = document.get("auths") or {}
        entries = {_host(key): value for key, value in auths.items()}
        return _credentials(_entry(entries, registry))
    except FileNotFoundError:
        return Credentials()
    except (OSError, ValueError, AttributeError, TypeError) as error:
        # Without the cause: its text may quote the secret.
        raise RunError(
            Reason.PUSH_UNAUTHORIZED,
            f"the push secret is not a Docker config.json ({type(error).__name__}); create it with "
            f"`{CREATE_SECRET.format(registry=registry)}`",
        ) from None


def _entry(entries: Mapping[str, Any], registry: str) -> Mapping[str, Any]:
    names = HUB_NAMES if registry in HUB_NAMES else (registry,)
    return next((entries[name] for name in names if name in entries), {})


def _host(key: str) -> str:
    """Keys are hosts, or URLs as `docker login` writes them for Docker Hub."""
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


def _credentials(entry: Mapping[str, Any]) -> Credentials:
    username, password = str(entry.get("username", "")), str(entry.get("password", ""))
    if entry.get("auth"):
        try:
            decoded = base64.b64decode(entry["auth"], validate=True).decode()
        except binascii.Error as error:
            raise ValueError("auth is not base64") from error
        username, _, password = decoded.partition(":")
    return Credentials(username, password, str(entry.get("identitytoken", "")))
