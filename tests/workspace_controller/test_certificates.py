"""The authority and its certificate: trusted, named, and renewed in time."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from workspace_controller.webhook.certificates import (
    CA_LIFETIME,
    SERVING_LIFETIME,
    Certificates,
    issue,
    needs_renewal,
    renew,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("kaito.kaito-system.svc", "kaito.kaito-system")
ISSUED = issue(NAMES, NOW)


def verify(ca: bytes, serving: bytes, when: datetime) -> None:
    """Verify as a client does.

    Raises:
        VerificationError: the certificate is not trusted.
    """
    store = Store([x509.load_pem_x509_certificate(ca)])
    verifier = PolicyBuilder().store(store).time(when).build_server_verifier(x509.DNSName(NAMES[0]))
    verifier.verify(x509.load_pem_x509_certificate(serving), [])


def test_a_client_that_trusts_the_authority_trusts_the_server() -> None:
    verify(ISSUED.ca, ISSUED.serving, NOW)


def test_a_renewed_certificate_is_signed_by_the_same_authority() -> None:
    later = NOW + timedelta(days=300)
    renewed = renew(ISSUED, NAMES, later)
    assert renewed.ca == ISSUED.ca and renewed.serving != ISSUED.serving
    verify(ISSUED.ca, renewed.serving, later + timedelta(days=200))


@pytest.mark.parametrize(
    ("after", "due"),
    [(timedelta(0), False), (timedelta(days=200), False), (timedelta(days=300), True),
     (SERVING_LIFETIME * 2, True)],
    ids=["new", "well within", "ending", "ended"],
)  # fmt: skip
def test_renewal_starts_90_days_before_expiry(after: timedelta, due: bool) -> None:
    assert needs_renewal(ISSUED, NAMES, NOW + after) is due


def test_a_changed_name_needs_renewal() -> None:
    assert needs_renewal(ISSUED, ("other.svc",), NOW)


BROKEN = Certificates(b"x", b"x", b"x", b"x")


def test_unreadable_certificates_are_issued_again() -> None:
    assert needs_renewal(BROKEN, NAMES, NOW)
    verify((renewed := renew(BROKEN, NAMES, NOW)).ca, renewed.serving, NOW)


def test_an_authority_that_expires_too_early_is_replaced() -> None:
    late = NOW + CA_LIFETIME - timedelta(days=10)
    assert renew(ISSUED, NAMES, late).ca != ISSUED.ca
