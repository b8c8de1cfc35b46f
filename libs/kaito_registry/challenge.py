"""A registry's authentication challenge, and the Authorization header that answers it.

Supports basic authentication and the token flow of the distribution specification: GET with basic
credentials, or OAuth2 POST with an identity token.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from kaito_registry.credentials import Credentials

PARAMETER = re.compile(r'([a-zA-Z_]+)="([^"]*)"')
CLIENT_ID = "kaito"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A WWW-Authenticate header. `scheme` is in lower case."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenge(header: str) -> Challenge:
    """The challenge in `header`; its scheme is empty if there is none."""
    scheme, _, rest = header.strip().partition(" ")
    return Challenge(scheme.lower(), dict(PARAMETER.findall(rest)))


def authorize(
    client: httpx2.Client, challenge: Challenge, credentials: Credentials, scope: str
) -> str | None:
    """The value of the Authorization header; None if `credentials` do not meet the challenge.

    Raises:
        httpx2.HTTPError: the token server fails or does not answer.
        ValueError: the token server's answer holds no token that a header can hold.
    """
    if challenge.scheme == "basic":
        return _basic(credentials) if credentials.username else None
    if challenge.scheme != "bearer" or "realm" not in challenge.parameters:
        return None
    token = _fetch_token(client, challenge.parameters, credentials, scope)
    return f"Bearer {token}" if token else None


def _fetch_token(
    client: httpx2.Client, parameters: Mapping[str, str], credentials: Credentials, scope: str
) -> str | None:
    query = {"service": parameters.get("service", ""), "scope": scope}
    realm = parameters["realm"]
    if credentials.identity_token:
        grant = {"grant_type": "refresh_token", "refresh_token": credentials.identity_token}
        # Redirects are not followed: they would take the token in the body along.
        response = client.post(realm, data={**grant, **query, "client_id": CLIENT_ID})
    else:
        # Without credentials, ask for an anonymous token: public registries hand them out.
        headers = {"Authorization": _basic(credentials)} if credentials.username else {}
        # A redirect to another host is followed without these headers.
        response = client.get(realm, params=query, headers=headers, follow_redirects=True)
    if response.status_code in (400, 401, 403):
        return None
    response.raise_for_status()
    try:
        document = response.json()
    except RecursionError as error:
        raise ValueError("its answer is nested too deeply") from error
    if not isinstance(document, dict):
        raise ValueError("its answer is not a JSON object")
    # The distribution specification says token, OAuth2 says access_token; servers use either.
    token = str(document.get("token") or document.get("access_token") or "")
    if not token.isascii():
        raise ValueError("its token is not ASCII")
    return token or None


def _basic(credentials: Credentials) -> str:
    pair = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"
