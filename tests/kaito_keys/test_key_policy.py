"""The document of a key."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from kaito_keys.key_policy import KeyPolicyError, parse
from kaito_keys.limits import Limit, Unit, Window, show

HASH = "sha256:" + "a" * 64
FULL: dict[str, Any] = {
    "hash": HASH,
    "created": "2026-11-29T10:00:00Z",
    "expires": "2027-01-01T00:00:00Z",
    "description": "batch jobs",
    "models": ["default/w"],
    "namespaces": ["team"],
    "priority": 10,
    "concurrentRequests": 8,
    "disabled": True,
    "requestsPerMinute": 60,
    "requestsPerDay": 1000,
    "tokensPerMinute": 10_000,
    "tokensPerDay": 1_000_000,
    "tokensPerMonth": 20_000_000,
    "dollarsPerDay": "1.5",
    "dollarsPerMonth": "25",
}


def test_a_document_is_written_as_it_was_read() -> None:
    assert parse("k", json.dumps(FULL)).to_document() == FULL


def test_money_is_exact() -> None:
    policy = parse("k", json.dumps({"hash": HASH, "dollarsPerDay": "0.000000001"}))
    assert policy.limits == (Limit(Unit.DOLLARS, Window.DAY, 1),)


def test_a_key_without_limits_is_not_limited() -> None:
    policy = parse("k", json.dumps({"hash": HASH}))
    assert not policy.is_limited
    assert policy.is_usable(datetime(2200, 1, 1, tzinfo=UTC))


def test_a_key_ends_with_the_moment_that_it_names() -> None:
    policy = parse("k", json.dumps({"hash": HASH, "expires": "2027-01-01T01:00:00+01:00"}))
    assert policy.is_usable(datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert not policy.is_usable(datetime(2027, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("[" * 10_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "hash must be sha256:"),
        ('{"hash": "sha256:AB"}', "hash must be sha256:"),
        (json.dumps({"hash": HASH, "tokenPerDay": 5}), "tokenPerDay is no field"),
    ],
)
def test_what_is_no_document_is_rejected(text: str, says: str) -> None:
    with pytest.raises(KeyPolicyError, match=says):
        parse("k", text)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tokensPerDay", -1),
        ("tokensPerDay", True),
        ("tokensPerDay", "5"),
        ("tokensPerDay", 2**60),
        ("dollarsPerDay", "a"),
        ("dollarsPerDay", "NaN"),
        ("dollarsPerDay", "Infinity"),
        ("dollarsPerDay", "1e999999"),
        ("dollarsPerDay", "0.0000000001"),
        ("dollarsPerDay", "1e999999999"),
        ("dollarsPerDay", ""),
        ("dollarsPerDay", True),
        ("dollarsPerMonth", -1),
        ("concurrentRequests", 0),
        ("priority", 1001),
        ("models", "phi"),
        ("models", [""]),
        ("models", []),
        ("models", None),
        ("namespaces", []),
        ("namespaces", [1]),
        ("disabled", "no"),
        ("expires", "tomorrow"),
        ("expires", "2027-01-01T00:00:00"),
        ("expires", 5),
        ("expires", "9999-12-31T23:59:59-05:00"),
        ("created", "0001-01-01T00:00:00+05:00"),
        ("description", 5),
    ],
)
def test_a_wrong_value_is_named(field: str, value: object) -> None:
    with pytest.raises(KeyPolicyError, match=f"^{field}="):
        parse("k", json.dumps({"hash": HASH, field: value}))


@pytest.mark.parametrize(
    ("unit", "amount", "shown"),
    [
        (Unit.TOKENS, 1000, "1000 tokens"),
        (Unit.DOLLARS, 1_500_000_000, "$1.50"),
        (Unit.DOLLARS, 25_000_000_000, "$25.00"),
        (Unit.DOLLARS, 123_000, "$0.000123"),
        (Unit.DOLLARS, 0, "$0.00"),
    ],
)
def test_amounts_are_shown_with_their_unit(unit: Unit, amount: int, shown: str) -> None:
    assert show(unit, amount) == shown
