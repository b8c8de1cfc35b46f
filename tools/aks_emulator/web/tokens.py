"""Issues the access tokens that the emulated Resource Manager takes, and checks them.

Only this process reads its tokens, so they are signed with a key of its own (HMAC).
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

import jwt
from jwt.types import Options

from tools.aks_emulator.core.errors import ArmError, not_authenticated

PUBLIC_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
_CHECKED_HERE: Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """`audiences` are the resources that Resource Manager takes tokens for, without last slash."""

    key: str
    tenant: str
    audiences: tuple[str, ...]
    lifetime: int = 3600

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
            "exp": int(now) + self.lifetime,
        }
        return jwt.encode(claims, self.key, algorithm="HS256")

    def client(self, authorization: str | None, now: float) -> str | ArmError:
        """The client id behind an Authorization header, or why it is refused."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            message = "Authentication failed. The 'Authorization' header is missing."
            return not_authenticated("AuthenticationFailed", message)
        try:
            claims = jwt.decode(token, self.key, algorithms=["HS256"], options=_CHECKED_HERE)
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
    """The signing key, made on first use: tokens stay good when the emulator starts again."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32), encoding="ascii")
    return path.read_text(encoding="ascii")
