"""How a bucket is reached: address, credentials, and options of the client. Pure.

Nobody but the Secret and the pod's own workload identity opens a bucket. In particular the identity
of the node, which its metadata service hands to everybody on it, does not: a bucket that neither
opens is read anonymously.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from kaito_training.data_access import keys_used
from tuner.sources.access_secret import AccessSecret
from tuner.sources.object_location import ObjectLocation

_REGION = re.compile(r"[a-z0-9-]{1,40}")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
DEFAULT_REGION = "us-east-1"
# What the webhooks for workload identity of EKS and of AKS set in a pod.
_AWS_IDENTITY = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN")
_AZURE_IDENTITY = ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID")
# Key of the Secret → option of the client.
_OPTIONS = {
    "AWS_ACCESS_KEY_ID": "access_key_id",
    "AWS_SECRET_ACCESS_KEY": "secret_access_key",
    "AWS_SESSION_TOKEN": "session_token",
    "AZURE_STORAGE_ACCOUNT_KEY": "account_key",
    "AZURE_STORAGE_SAS_TOKEN": "sas_key",
    "sas": "sas_key",
    "AZURE_CLIENT_ID": "client_id",
    "AZURE_CLIENT_SECRET": "client_secret",
    "AZURE_TENANT_ID": "tenant_id",
    "GOOGLE_SERVICE_ACCOUNT_KEY": "service_account_key",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlan:
    """`options` are those of obstore's client for the kind of store.

    `signs` says whether that client signs the URLs of objects; otherwise `signature`, if any, is
    their query string. `credential` names what opens the bucket, for messages.
    """

    location: ObjectLocation
    endpoint: str
    options: Mapping[str, str | bool] = field(repr=False)
    signs: bool
    signature: str = field(default="", repr=False)
    credential: str = ""

    def url(self, key: str) -> str:
        """The URL of the object `key`, for a store that does not sign."""
        url = f"{self.endpoint}/{self.location.bucket}/{quote(key)}"
        return f"{url}?{self.signature}" if self.signature else url


def plan_store(
    location: ObjectLocation, secret: AccessSecret, environ: Mapping[str, str]
) -> StorePlan:
    """How the bucket of `location` is reached with `secret` and the pod's identity in `environ`.

    Raises:
        RunError: DATA_UNREACHABLE, a value of the secret is none that its key may have.
    """
    used = keys_used(location.kind, tuple(secret.values))
    options: dict[str, str | bool] = {
        option: secret.values[key]
        for key, option in _OPTIONS.items()
        if key in used or (used and key == "AWS_SESSION_TOKEN" and key in secret.values)
    }
    endpoint = _ENDPOINTS[location.kind](location, secret, environ, options)
    signature = str(options.get("sas_key", "")).removeprefix("?")
    if signature:
        options["sas_key"] = signature
    has_identity = all(environ.get(name) for name in _IDENTITIES[location.kind])
    is_anonymous = not used and not (_IDENTITIES[location.kind] and has_identity)
    if is_anonymous:
        options["skip_signature"] = True
    credential = secret.describe(used) if used else ""
    return StorePlan(
        location=location,
        endpoint=endpoint,
        options=options,
        signs=not is_anonymous and not signature,
        signature=signature,
        credential=credential or ("" if is_anonymous else "the pod's workload identity"),
    )


def _s3(
    location: ObjectLocation,
    secret: AccessSecret,
    environ: Mapping[str, str],
    options: dict[str, str | bool],
) -> str:
    region = secret.values.get("AWS_REGION") or environ.get("AWS_REGION") or DEFAULT_REGION
    if not _REGION.fullmatch(region):
        raise secret.wrong("AWS_REGION", f"is {region!r:.60}, which is not a region of AWS")
    endpoint = secret.values.get("AWS_ENDPOINT_URL", f"https://s3.{region}.amazonaws.com")
    endpoint = _url(secret, "AWS_ENDPOINT_URL", endpoint)
    options |= {"region": region, "endpoint": endpoint}
    return endpoint


def _azure(
    location: ObjectLocation,
    secret: AccessSecret,
    environ: Mapping[str, str],
    options: dict[str, str | bool],
) -> str:
    key = "AZURE_STORAGE_ACCOUNT_NAME"
    account = location.account_host.partition(".")[0] or secret.values.get(key, "")
    if not account:
        raise secret.wrong(
            key, f"is missing, and {location.root} names no account: write CONTAINER@ACCOUNT.HOST"
        )
    if not _ACCOUNT.fullmatch(account):
        raise secret.wrong(key, f"is {account!r:.60}, which is not the name of an account")
    # Hadoop's URLs name the host of another API of the same account.
    host = location.account_host.replace(".dfs.", ".blob.", 1)
    default = f"https://{host or f'{account}.blob.core.windows.net'}"
    endpoint = _url(
        secret,
        "AZURE_STORAGE_ENDPOINT",
        secret.values.get("AZURE_STORAGE_ENDPOINT", default),
    )
    options |= {"account_name": account, "endpoint": endpoint}
    return endpoint


def _google(
    location: ObjectLocation,
    secret: AccessSecret,
    environ: Mapping[str, str],
    options: dict[str, str | bool],
) -> str:
    key = options.get("service_account_key")
    if key is not None:
        try:
            document = json.loads(str(key))
            # Only what a signature needs: a key may also carry addresses to talk to.
            kept = {name: document[name] for name in ("private_key", "client_email")}
        except (ValueError, KeyError, TypeError):
            problem = "is not the JSON key of a service account"
            raise secret.wrong("GOOGLE_SERVICE_ACCOUNT_KEY", problem) from None
        options["service_account_key"] = json.dumps(
            {**kept, "private_key_id": str(document.get("private_key_id", ""))}
        )
    endpoint = secret.values.get("STORAGE_EMULATOR_HOST", "https://storage.googleapis.com")
    endpoint = _url(secret, "STORAGE_EMULATOR_HOST", endpoint)
    options["base_url"] = endpoint
    return endpoint


_ENDPOINTS = {"s3": _s3, "az": _azure, "gs": _google}
# The identity of GKE comes from the metadata service, as that of the node.
_IDENTITIES: Mapping[str, tuple[str, ...]] = {
    "s3": _AWS_IDENTITY,
    "az": _AZURE_IDENTITY,
    "gs": (),
}


def _url(secret: AccessSecret, key: str, value: str) -> str:
    if not re.fullmatch(r"https?://[^/?#@]+(/[^?#@]*)?", value):
        raise secret.wrong(key, f"is {value!r:.60}, which is not a URL: use https://HOST")
    return value.rstrip("/")
