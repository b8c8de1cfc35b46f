"""Issues and checks the access tokens for the emulated Resource Manager.

Only this process reads them, so they are signed with its own secret key (HMAC).
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

import jwt
from jwt.types import Options

from tools.aks_emulator.core.errors import ArmError, not_authenticated

PUBLIC_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
# Times and audience are checked here, against the emulator's clock and with ARM's error messages.
_SIGNATURE_ONLY: Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """`audiences` are the accepted token audiences, without a trailing slash."""

    key: str
    tenant: str
    audiences: tuple[str, ...]
    lifetime_seconds: int = 3600

    def token(self, client: str, audience: str, now: float) -> str:
        claims = {
            "iss": f"https://sts.windows.net/{self.tenant}/",
            "aud": audience,
            "tid": self.tenant,
            "appid": client,
            "oid": client,
            "sub": client,
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now) + self.lifetime_seconds,
        }
        return jwt.encode(claims, self.key, algorithm="HS256")

    def client(self, authorization: str | None, now: float) -> str | ArmError:
        """The client id in an Authorization header, or the error that rejects it."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            message = "Authentication failed. The 'Authorization' header is missing."
            return not_authenticated("AuthenticationFailed", message)
        try:
            claims = jwt.decode(token, self.key, algorithms=["HS256"], options=_SIGNATURE_ONLY)
        except jwt.InvalidTokenError as error:
            message = f"The access token is invalid: {error}."
            return not_authenticated("InvalidAuthenticationToken", message)
        if claims["exp"] <= now:
            message = "The access token expiry UTC time is earlier than current UTC time."
            return not_authenticated("ExpiredAuthenticationToken", message)
        if str(claims["aud"]).rstrip("/") not in self.audiences:
            message = (
                f"The access token has been obtained for wrong audience or resource "
                f"'{claims['aud']}'. It should match one of '{', '.join(self.audiences)}'."
            )
            return not_authenticated("InvalidAuthenticationTokenAudience", message)
        return str(claims["appid"])


def read_key(path: Path) -> str:
    """The signing key, created on first use, so that tokens survive a restart."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="ascii")
    return path.read_text(encoding="ascii")
