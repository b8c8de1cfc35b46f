"""Entra as the Azure identity libraries see it: discovery documents and the token endpoint."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tools.aks_emulator.core.faults import Call, FaultKind, take
from tools.aks_emulator.core.model import Json
from tools.aks_emulator.core.operations import timestamp
from tools.aks_emulator.web.assertions import EntraError, Trust, check, key_id
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.keys import Keys, KeysUnavailable
from tools.aks_emulator.web.messages import Response

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entra:
    """The token endpoint. `subjects` are the federated service accounts; empty means all."""

    context: Context
    keys: Keys
    subjects: Collection[str] = ()

    async def token(self, tenant: str, form: Mapping[str, str]) -> Response:
        azure = self.context.azure
        azure.calls["token"] += 1
        refusal, azure.faults = take(azure.faults, (FaultKind.TOKEN_REFUSED,), Call("token"))
        client = form.get("client_id", "")
        if refusal is not None:
            return _refuse(unknown_application(client, tenant), azure.clock())
        problem = (
            _tenant(tenant, azure.settings.ids.tenant)
            or _form(form)
            or await self._credential(form, azure.clock())
        )
        if problem is not None:
            return _refuse(problem, azure.clock())
        audience = form["scope"].split()[0].removesuffix("/.default")
        issuer = self.context.issuer
        body: Json = {
            "token_type": "Bearer",
            "expires_in": issuer.lifetime_seconds - 1,
            "ext_expires_in": issuer.lifetime_seconds - 1,
            "access_token": issuer.token(client, audience, azure.clock()),
        }
        return Response(200, body, {"Cache-Control": "no-store"})

    async def _credential(self, form: Mapping[str, str], now: float) -> EntraError | None:
        """Check the credential: any client secret is accepted, an assertion is verified."""
        if form.get("client_secret"):
            return None
        assertion = form.get("client_assertion", "")
        if not assertion or form.get("client_assertion_type") != ASSERTION_TYPE:
            message = (
                "The request body must contain the following parameter: 'client_assertion' of "
                f"type {ASSERTION_TYPE}, or 'client_secret'."
            )
            return EntraError("invalid_client", 7000218, message)
        try:
            keys = await self.keys.find(key_id(assertion))
        except KeysUnavailable as error:
            message = f"The issuer's signing keys cannot be read: {error}"
            return EntraError("temporarily_unavailable", 90033, message, status=503)
        return check(assertion, Trust(subjects=self.subjects, keys=keys), now)


def unknown_application(client: str, tenant: str) -> EntraError:
    message = (
        f"Application with identifier '{client}' was not found in the directory '{tenant}'. This "
        "can happen if the application has not been installed by the administrator of the tenant."
    )
    return EntraError("unauthorized_client", 700016, message, status=400)


def openid_configuration(base_url: str, tenant: str) -> Json:
    return {
        "issuer": f"{base_url}/{tenant}/v2.0",
        "authorization_endpoint": f"{base_url}/{tenant}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base_url}/{tenant}/oauth2/v2.0/token",
        "device_authorization_endpoint": f"{base_url}/{tenant}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{base_url}/{tenant}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "response_types_supported": ["code", "id_token", "token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }


def instance_discovery(base_url: str, tenant: str) -> Json:
    host = base_url.removeprefix("https://")
    return {
        "tenant_discovery_endpoint": f"{base_url}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}],
    }


def cloud_metadata(base_url: str, tenant: str) -> Json:
    """Resource Manager's /metadata/endpoints, from which other SDKs read their configuration."""
    return {
        "name": "KaitoLocal",
        "resourceManager": base_url,
        "authentication": {
            "loginEndpoint": base_url,
            "audiences": [base_url],
            "tenant": tenant,
            "identityProvider": "AAD",
        },
    }


def _tenant(given: str, known: str) -> EntraError | None:
    if given.lower() == known.lower():
        return None
    message = f"Tenant '{given}' not found. This emulator's tenant is '{known}'."
    return EntraError("invalid_request", 90002, message, status=400)


def _form(form: Mapping[str, str]) -> EntraError | None:
    grant = form.get("grant_type")
    if grant != "client_credentials":
        message = f"The app requested an unsupported grant type '{grant}'."
        return EntraError("unsupported_grant_type", 70003, message, status=400)
    missing = next((name for name in ("client_id", "scope") if not form.get(name)), None)
    if missing is not None:
        message = f"The required field '{missing}' is missing from the credential."
        return EntraError("invalid_request", 90014, message, status=400)
    if not form["scope"].split()[0].endswith("/.default"):
        message = f"The provided value for scope {form['scope']} is not valid: use /.default."
        return EntraError("invalid_scope", 70011, message, status=400)
    return None


def _refuse(error: EntraError, now: float) -> Response:
    trace = str(uuid.uuid4())
    body: Json = {
        "error": error.error,
        "error_description": (
            f"AADSTS{error.number}: {error.message} Trace ID: {trace} Timestamp: {timestamp(now)}"
        ),
        "error_codes": [error.number],
        "timestamp": timestamp(now),
        "trace_id": trace,
        "correlation_id": trace,
        "error_uri": f"https://login.microsoftonline.com/error?code={error.number}",
    }
    return Response(error.status, body)
