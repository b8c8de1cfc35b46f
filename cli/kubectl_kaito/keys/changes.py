"""What is written into the Secret of keys. Pure."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from kaito_keys import api_key
from kaito_keys.api_key import ApiKey
from kaito_keys.key_policy import KeyPolicy, KeyPolicyError, parse
from kaito_kube.kinds import Manifest
from kubectl_kaito.errors import NotFoundError, UsageError

LABELS: Mapping[str, str] = {"kaito.sh/api-keys": "true", "app.kubernetes.io/part-of": "kaito"}
_SPAN = re.compile(r"([1-9][0-9]{0,4})([dhm])")
_KEY_START = re.compile(rf"{api_key.PREFIX}-({api_key.ID_FORMAT.pattern})-")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
# The API server refuses objects of 1 MiB, and a Secret has more than its data.
_MAX_SECRET_BYTES = 900 * 1024


def expiry(text: str, now: datetime) -> str:
    """The time that a span such as 90d or an RFC 3339 time means.

    Raises:
        UsageError: it is neither.
    """
    if found := _SPAN.fullmatch(text):
        later = now + timedelta(**{_UNITS[found[2]]: int(found[1])})
        return later.isoformat(timespec="seconds")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None or time <= now:
        raise UsageError(
            f"--expires {text}: use a span like 90d, 12h or 30m, or a time to come like "
            "2027-01-01T00:00:00Z"
        )
    return text


def new_policy(key: ApiKey, fields: Mapping[str, Any], now: datetime) -> KeyPolicy:
    """The policy of a new key, from the fields of its document.

    Raises:
        UsageError: a field is wrong.
    """
    # An empty text is no missing option: where a variable of the shell is empty, a limit would be
    # none.
    document = {name: value for name, value in fields.items() if value not in (None, [])}
    document |= {"hash": key.digest, "created": now.isoformat(timespec="seconds")}
    try:
        return parse(key.id, json.dumps(document))
    except KeyPolicyError as error:
        raise UsageError(str(error)) from None


def new_secret(name: str, namespace: str, policy: KeyPolicy) -> Manifest:
    """The Secret with its first key."""
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": dict(LABELS)},
        "type": "Opaque",
        "data": {policy.id: _encode(policy)},
    }


def added(secret: Manifest, policy: KeyPolicy) -> Manifest:
    """The change that adds a key.

    Raises:
        UsageError: the Secret has no room for it.
    """
    data: Mapping[str, str] = secret.get("data") or {}
    size = sum(len(name) + len(value) for name, value in data.items())
    if size > _MAX_SECRET_BYTES:
        name = secret["metadata"]["name"]
        raise UsageError(
            f"Secret {name} is full, with {len(data)} keys: revoke some, or put new ones into "
            f"another with --secret, and add its name to inference-gateway.apiKeys.secrets"
        )
    return {"data": {policy.id: _encode(policy)}}


def removed(secret: Manifest, names: Sequence[str]) -> Manifest:
    """The change that takes keys away.

    Raises:
        NotFoundError: one of them is not there.
    """
    data: Mapping[str, str] = secret.get("data") or {}
    for name in names:
        if name not in data:
            where = secret["metadata"]
            raise NotFoundError(
                f"no key {name} in Secret {where['namespace']}/{where['name']}: "
                "`kubectl kaito keys list` shows the ids"
            )
    return {"data": dict.fromkeys(names)}


def key_id(text: str) -> str:
    """The id of a key, from the id itself or from the key, which may have leaked.

    A key that is cut off or quoted has its id, too, and none may be repeated in a message.
    """
    found = _KEY_START.search(text)
    return found[1] if found else text.strip()


def _encode(policy: KeyPolicy) -> str:
    document = json.dumps(policy.to_document(), ensure_ascii=False)
    return base64.b64encode(document.encode()).decode()
