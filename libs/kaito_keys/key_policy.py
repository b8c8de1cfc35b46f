"""What the holder of a key may do: one JSON document for each key, in a Secret under the key's id.

{"hash": "sha256:...", "description": "batch jobs", "namespaces": ["team"], "models": ["default/w"],
 "requestsPerMinute": 60, "tokensPerDay": 1000000, "dollarsPerMonth": "25.00",
 "concurrentRequests": 8, "priority": 10, "expires": "2027-01-01T00:00:00Z", "disabled": false}

Everything but the hash may be missing: a key without models and namespaces may use all models, and
one without limits is not limited.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from kaito_keys.api_key import DIGEST_FORMAT, ID_FORMAT, redacted
from kaito_keys.dollars import whole_parts
from kaito_keys.limits import NANODOLLARS, Limit, Unit, Window

_LIMITS: Mapping[str, tuple[Unit, Window]] = {
    Limit(unit, window, 0).name: (unit, window)
    for unit, window in (
        (Unit.REQUESTS, Window.MINUTE),
        (Unit.REQUESTS, Window.DAY),
        (Unit.TOKENS, Window.MINUTE),
        (Unit.TOKENS, Window.DAY),
        (Unit.TOKENS, Window.MONTH),
        (Unit.DOLLARS, Window.DAY),
        (Unit.DOLLARS, Window.MONTH),
    )
}
_FIELDS = {
    "hash",
    "description",
    "created",
    "expires",
    "disabled",
    "models",
    "namespaces",
    "priority",
    "concurrentRequests",
    *_LIMITS,
}
# Sums of such amounts are exact in Lua's numbers, which the ledger's store computes with.
MAX_AMOUNT = 2**50
_MAX_PRIORITY = 1000


class KeyPolicyError(ValueError):
    """The document cannot be used. The message names field, value and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPolicy:
    """Immutable. `id` names the key, `digest` proves it. Lower priorities run first."""

    id: str
    digest: str
    description: str = ""
    models: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    concurrent_requests: int | None = None
    priority: int = 0
    created: datetime | None = None
    expires: datetime | None = None
    disabled: bool = False

    @property
    def is_limited(self) -> bool:
        """Whether anything has to be counted before a request may run."""
        return bool(self.limits) or self.concurrent_requests is not None

    def has_limit_on(self, unit: Unit) -> bool:
        return any(limit.unit is unit for limit in self.limits)

    def is_usable(self, now: datetime) -> bool:
        """Whether it is neither disabled nor expired."""
        return not self.disabled and (self.expires is None or now < self.expires)

    def to_document(self) -> dict[str, Any]:
        """The document that `parse` reads, without what is not set."""
        found: dict[str, Any] = {"hash": self.digest}
        times = {"created": self.created, "expires": self.expires}
        found |= {name: _format_time(time) for name, time in times.items() if time}
        values = {
            "description": self.description,
            "models": list(self.models),
            "namespaces": list(self.namespaces),
            "priority": self.priority,
            "concurrentRequests": self.concurrent_requests,
            "disabled": self.disabled,
        }
        found |= {name: value for name, value in values.items() if value}
        for limit in self.limits:
            is_money = limit.unit is Unit.DOLLARS
            amount = Decimal(limit.amount) / NANODOLLARS
            found[limit.name] = f"{amount.normalize():f}" if is_money else limit.amount
        return found


def check_id(name: str) -> None:
    """Whether an entry of a Secret, or a file, can be a key's.

    Raises:
        KeyPolicyError: no key has such an id, so nobody could ever use it.
    """
    if not ID_FORMAT.fullmatch(name):
        raise KeyPolicyError(
            f"{redacted(name)} is no id of a key: name the entry by the part of the key between "
            "its dashes"
        )


def parse(key_id: str, text: str) -> KeyPolicy:
    """The policy of one key.

    Raises:
        KeyPolicyError: the text is not such a document.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise KeyPolicyError(
            "not JSON: write the document that `kubectl kaito keys create` makes"
        ) from None
    if not isinstance(document, dict):
        raise KeyPolicyError('not a JSON object: write {"hash": "sha256:...", ...}')
    # A limit with a typing error must not be no limit.
    if unknown := sorted(document.keys() - _FIELDS):
        raise KeyPolicyError(f"{unknown[0]} is no field: use {', '.join(sorted(_FIELDS))}")
    digest = document.get("hash")
    if not isinstance(digest, str) or not DIGEST_FORMAT.fullmatch(digest):
        raise KeyPolicyError("hash must be sha256: and 64 hexadecimal digits of the key's text")
    return KeyPolicy(
        id=key_id,
        digest=digest,
        description=_text(document, "description"),
        models=_texts(document, "models"),
        namespaces=_texts(document, "namespaces"),
        limits=tuple(read_limits(document)),
        concurrent_requests=_whole(document, "concurrentRequests", 1, MAX_AMOUNT),
        priority=_whole(document, "priority", -_MAX_PRIORITY, _MAX_PRIORITY) or 0,
        created=_time(document, "created"),
        expires=_time(document, "expires"),
        disabled=_flag(document, "disabled"),
    )


def read_limits(document: Mapping[str, Any]) -> Iterable[Limit]:
    """The limits that a document sets.

    Raises:
        KeyPolicyError: an amount is none.
    """
    for name, (unit, window) in _LIMITS.items():
        is_money = unit is Unit.DOLLARS
        amount = _money(document, name) if is_money else _whole(document, name, 0, MAX_AMOUNT)
        if amount is not None:
            yield Limit(unit, window, amount)


def _whole(document: Mapping[str, Any], name: str, least: int, most: int) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    # A boolean is an int for Python.
    if type(value) is not int or not least <= value <= most:
        raise KeyPolicyError(f"{name}={value!r}: set a whole number from {least} to {most}")
    return value


def _money(document: Mapping[str, Any], name: str) -> int | None:
    value = document.get(name)
    if value is None:
        return None
    most = MAX_AMOUNT // NANODOLLARS
    amount = whole_parts(value, most, NANODOLLARS)
    if amount is None:
        raise KeyPolicyError(
            f'{name}={value!r}: set US dollars from 0 to {most}, for example "25.00"'
        )
    return amount


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise KeyPolicyError(f"{name}={value!r}: set a text")
    return value


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    if name not in document:
        return ()
    value = document[name]
    is_list = isinstance(value, list) and all(isinstance(each, str) and each for each in value)
    # The last name that somebody takes out of a list must not open all models.
    if not is_list or not value:
        raise KeyPolicyError(
            f'{name}={value!r}: set a list of names, for example ["one"], or leave it out'
        )
    return tuple(value)


def _flag(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise KeyPolicyError(f"{name}={value!r}: set true or false")
    return value


def _time(document: Mapping[str, Any], name: str) -> datetime | None:
    value = document.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        # The last hours of the year 9999 in New York are after all times in UTC.
        in_utc = found.astimezone(UTC) if found.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        in_utc = None
    if in_utc is None:
        raise KeyPolicyError(f"{name}={value!r}: set a time like 2027-01-01T00:00:00Z")
    return in_utc


def _format_time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
