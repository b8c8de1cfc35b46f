"""Verifies the service account token that a pod exchanges for an access token. Pure.

The errors are Entra's, with its AADSTS codes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from jwt.types import Options

AUDIENCE = "api://AzureADTokenExchange"
# Tolerates clocks that differ between the cluster and the emulator.
LEEWAY_SECONDS = 60
ALGORITHMS = ["RS256", "ES256", "ES384", "PS256"]
_SIGNATURE_ONLY: Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
_UNVERIFIED: Options = {**_SIGNATURE_ONLY, "verify_signature": False}


@dataclass(frozen=True, slots=True)
class EntraError:
    """An OAuth error; `number` is its AADSTS code."""

    error: str
    number: int
    message: str
    status: int = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose assertions are accepted.

    Empty `subjects` accept any. `keys` are the issuer's public keys by key id; None skips the
    signature check.
    """

    subjects: Collection[str] = ()
    keys: Mapping[str, Any] | None = field(default=None)


def key_id(assertion: str) -> str | None:
    try:
        return jwt.get_unverified_header(assertion).get("kid")
    except jwt.InvalidTokenError:
        return None


def check(assertion: str, trust: Trust, now: float) -> EntraError | None:
    try:
        claims = _claims(assertion, trust)
    except jwt.InvalidTokenError as error:
        message = f"JWT token is invalid or malformed: {error}"
        return EntraError("invalid_request", 50027, message, status=400)
    except LookupError as error:
        message = f"The key '{error.args[0]}' that signed the assertion is not one of its issuer's."
        return EntraError("invalid_client", 700027, message)
    return _audience(claims) or _time(claims, now) or _subject(claims, trust.subjects)


def _claims(assertion: str, trust: Trust) -> Mapping[str, Any]:
    if trust.keys is None:
        return jwt.decode(assertion, options=_UNVERIFIED)
    kid = str(jwt.get_unverified_header(assertion).get("kid", ""))
    if kid not in trust.keys:
        raise LookupError(kid)
    return jwt.decode(assertion, trust.keys[kid], algorithms=ALGORITHMS, options=_SIGNATURE_ONLY)


def _audience(claims: Mapping[str, Any]) -> EntraError | None:
    given = claims.get("aud", "")
    audiences = given if isinstance(given, list) else [given]
    if AUDIENCE in audiences:
        return None
    message = (
        "No matching federated identity record found for presented assertion audience "
        f"'{', '.join(map(str, audiences))}'. It must be '{AUDIENCE}'."
    )
    return EntraError("invalid_client", 700212, message)


def _time(claims: Mapping[str, Any], now: float) -> EntraError | None:
    expiry, start = claims.get("exp"), claims.get("nbf", 0)
    if isinstance(expiry, int | float) and isinstance(start, int | float):
        early, late = now < start - LEEWAY_SECONDS, now >= expiry + LEEWAY_SECONDS
        if not early and not late:
            return None
    message = "Client assertion is not within its valid time range."
    return EntraError("invalid_client", 700024, message)


def _subject(claims: Mapping[str, Any], subjects: Collection[str]) -> EntraError | None:
    subject = str(claims.get("sub", ""))
    if subject and (not subjects or subject in subjects):
        return None
    message = (
        "No matching federated identity record found for presented assertion subject "
        f"'{subject}'. Known: '{', '.join(subjects)}'."
    )
    return EntraError("invalid_client", 700213, message)
