"""The keys of a Secret. Pure; a key's text is in none of them but the one that was just made."""

import base64
from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from kaito_keys.api_key import redacted
from kaito_keys.key_policy import KeyPolicy, KeyPolicyError, check_id, parse
from kaito_kube.kinds import Manifest, key_of
from kubectl_kaito.output import View


class KeyView(View):
    id: str = Field(description="The public part of the key, as in logs, metrics and records.")
    state: str = Field(description="Active, Disabled, Expired, or Invalid: the gateway ignores it.")
    description: str
    allowed: list[str] = Field(description="Models and namespaces; empty means all.")
    limits: dict[str, str] = Field(description="By the names that they have in the document.")
    priority: int
    created: datetime | None
    expires: datetime | None
    message: str | None = Field(description="Why it is invalid.")


class KeysView(View):
    namespace: str
    secret: str
    keys: list[KeyView]


class CreatedKeyView(View):
    namespace: str
    secret: str
    id: str
    key: str = Field(description="What clients send. It is shown once.")


def keys_view(secret: Manifest, now: datetime) -> KeysView:
    """Total: an entry that is no key is shown as invalid."""
    key = key_of(secret)
    data: Mapping[str, str] = secret.get("data") or {}
    return KeysView(
        namespace=key.namespace,
        secret=key.name,
        keys=[_key_view(name, data[name], now) for name in sorted(data)],
    )


def _key_view(name: str, encoded: str, now: datetime) -> KeyView:
    try:
        check_id(name)
        policy = parse(name, base64.b64decode(encoded).decode(errors="replace"))
    except (KeyPolicyError, ValueError) as error:
        invalid = KeyPolicy(id=redacted(name), digest="")
        return _view(invalid, "Invalid", str(error))
    if policy.disabled:
        return _view(policy, "Disabled", None)
    return _view(policy, "Active" if policy.is_usable(now) else "Expired", None)


def _view(policy: KeyPolicy, state: str, message: str | None) -> KeyView:
    limits = {limit.name: limit.shown_amount for limit in policy.limits}
    if policy.concurrent_requests is not None:
        limits["concurrentRequests"] = str(policy.concurrent_requests)
    namespaces = [f"{namespace}/*" for namespace in policy.namespaces]
    return KeyView(
        id=policy.id,
        state=state,
        description=policy.description,
        allowed=[*policy.models, *namespaces],
        limits=limits,
        priority=policy.priority,
        created=policy.created,
        expires=policy.expires,
        message=message,
    )
