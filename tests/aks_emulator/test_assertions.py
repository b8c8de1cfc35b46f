"""Service account tokens: what the token endpoint accepts, and Entra's errors for the rest."""

from collections.abc import Mapping

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.aks_emulator.builders import IDS, NOW
from tools.aks_emulator.web.assertions import AUDIENCE, Trust, check
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.entra import ASSERTION_TYPE, Entra
from tools.aks_emulator.web.keys import KeysUnavailable, NoKeys

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SUBJECT = "system:serviceaccount:kaito:gpu-provisioner"
TRUST = Trust(subjects=(SUBJECT,), keys={"k1": KEY.public_key()})


def assertion(key: rsa.RSAPrivateKey = KEY, kid: str = "k1", **changes: object) -> str:
    claims = {"aud": [AUDIENCE], "sub": SUBJECT, "exp": NOW + 600, "nbf": NOW - 1, **changes}
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param(assertion(), None, id="good"),
        pytest.param("nonsense", 50027, id="no JWT"),
        pytest.param(assertion(OTHER), 50027, id="signed by another key"),
        pytest.param(assertion(kid="k2"), 700027, id="unknown key id"),
        pytest.param(assertion(aud="https://kubernetes"), 700212, id="another audience"),
        pytest.param(assertion(exp=NOW - 61), 700024, id="expired"),
        pytest.param(assertion(nbf=NOW + 61), 700024, id="not yet"),
        pytest.param(assertion(sub="system:serviceaccount:a:b"), 700213, id="another subject"),
    ],
)
def test_assertion_is_checked(text: str, number: int | None) -> None:
    problem = check(text, TRUST, NOW)
    assert (problem.number if problem else None) == number


def test_signature_is_not_checked_without_keys() -> None:
    assert check(assertion(OTHER), Trust(), NOW) is None


class Unreachable:
    async def find(self, kid: str | None) -> Mapping[str, object] | None:
        raise KeysUnavailable("connection refused")


GOOD = {
    "grant_type": "client_credentials",
    "client_id": "client",
    "scope": "https://management.azure.com/.default",
    "client_assertion_type": ASSERTION_TYPE,
    "client_assertion": assertion(),
}


@pytest.mark.parametrize(
    ("tenant", "changes", "number"),
    [
        pytest.param("elsewhere", {}, 90002, id="tenant"),
        pytest.param(IDS.tenant, {"grant_type": "password"}, 70003, id="grant"),
        pytest.param(IDS.tenant, {"scope": ""}, 90014, id="no scope"),
        pytest.param(IDS.tenant, {"scope": "openid"}, 70011, id="bad scope"),
        pytest.param(IDS.tenant, {"client_assertion": ""}, 7000218, id="no assertion"),
    ],
)
async def test_invalid_token_request_is_rejected(
    context: Context, tenant: str, changes: dict[str, str], number: int
) -> None:
    response = await Entra(context=context, keys=NoKeys()).token(tenant, {**GOOD, **changes})
    assert response.body is not None
    assert response.body["error_codes"] == [number]
    assert response.body["error_description"].startswith(f"AADSTS{number}: ")


async def test_issued_access_token_is_accepted_by_resource_manager(context: Context) -> None:
    scope = "https://localhost:8443/.default"
    response = await Entra(context=context, keys=NoKeys()).token(
        IDS.tenant, {**GOOD, "scope": scope}
    )
    assert response.body is not None
    bearer = f"Bearer {response.body['access_token']}"
    assert context.issuer.client(bearer, NOW) == "client"


async def test_unavailable_keys_are_a_temporary_error(context: Context) -> None:
    response = await Entra(context=context, keys=Unreachable()).token(IDS.tenant, GOOD)
    assert response.status == 503
    assert response.body is not None
    assert "connection refused" in response.body["error_description"]
