"""The authority and its certificate: trusted, named, and renewed in time."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from workspace_controller.certificates import (
    CA_LASTS,
    SERVING_LASTS,
    Certificates,
    is_due,
    make,
    renewed,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("kaito.kaito-system.svc", "kaito.kaito-system")
MADE = make(NAMES, NOW)


def trusts(ca: bytes, serving: bytes, when: datetime) -> None:
    """What a client does: raises VerificationError where it would refuse."""
    store = Store([x509.load_pem_x509_certificate(ca)])
    verifier = PolicyBuilder().store(store).time(when).build_server_verifier(x509.DNSName(NAMES[0]))
    verifier.verify(x509.load_pem_x509_certificate(serving), [])


def test_a_client_that_trusts_the_authority_trusts_the_server() -> None:
    trusts(MADE.ca, MADE.serving, NOW)


def test_a_renewed_certificate_is_trusted_by_the_old_authority() -> None:
    later = NOW + timedelta(days=300)
    again = renewed(MADE, NAMES, later)
    assert again.ca == MADE.ca and again.serving != MADE.serving
    trusts(MADE.ca, again.serving, later + timedelta(days=200))


@pytest.mark.parametrize(
    ("after", "due"),
    [(timedelta(0), False), (timedelta(days=200), False), (timedelta(days=300), True),
     (SERVING_LASTS * 2, True)],
    ids=["new", "well within", "ending", "ended"],
)  # fmt: skip
def test_when_it_is_due(after: timedelta, due: bool) -> None:
    assert is_due(MADE, NAMES, NOW + after) is due


def test_another_name_makes_it_due() -> None:
    assert is_due(MADE, ("other.svc",), NOW)


BROKEN = Certificates(b"x", b"x", b"x", b"x")


def test_what_cannot_be_read_is_made_anew() -> None:
    assert is_due(BROKEN, NAMES, NOW)
    trusts((again := renewed(BROKEN, NAMES, NOW)).ca, again.serving, NOW)


def test_an_authority_that_ends_is_replaced() -> None:
    late = NOW + CA_LASTS - timedelta(days=10)
    assert renewed(MADE, NAMES, late).ca != MADE.ca
