"""A private certificate authority and the serving certificate that it signed, as PEM.

The API server trusts the authority, not the certificate: renewing the latter needs no change of the
webhook's configuration, and no moment at which replicas and API server disagree.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFETIME = timedelta(days=3650)
SERVING_LIFETIME = timedelta(days=365)
RENEW_BEFORE = timedelta(days=90)
# Certificates are valid from an hour ago, for API servers whose clocks are behind this one.
_CLOCK_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM of the authority and of the server, each with its private key."""

    ca: bytes
    ca_key: bytes
    serving: bytes
    serving_key: bytes


def issue(names: tuple[str, ...], now: datetime) -> Certificates:
    """Returns a new authority and a new serving certificate for those DNS names."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name("kaito-webhook-ca")
    ca = (
        _builder(subject, subject, key, now, CA_LIFETIME)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _sign_serving(ca, key, names, now)


def renew(old: Certificates, names: tuple[str, ...], now: datetime) -> Certificates:
    """Returns a new serving certificate of the same authority. Issues a new authority, too, where
    the old one would expire before the certificate, or cannot be read."""
    try:
        ca = x509.load_pem_x509_certificate(old.ca)
        key = serialization.load_pem_private_key(old.ca_key, None)
    except ValueError:
        return issue(names, now)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return issue(names, now)
    if ca.not_valid_after_utc < now + SERVING_LIFETIME:
        return issue(names, now)
    return _sign_serving(ca, key, names, now)


def needs_renewal(certificates: Certificates, names: tuple[str, ...], now: datetime) -> bool:
    """Whether the serving certificate expires soon, has other names, or cannot be read."""
    try:
        serving = x509.load_pem_x509_certificate(certificates.serving)
        alternatives = serving.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return True
    current = set(alternatives.get_values_for_type(x509.DNSName))
    return current != set(names) or serving.not_valid_after_utc < now + RENEW_BEFORE


def _sign_serving(
    ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], now: datetime
) -> Certificates:
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    serving = (
        # A common name has at most 64 characters. Clients verify the alternative names anyway.
        _builder(_name(names[0][:64]), ca.subject, key, now, SERVING_LIFETIME)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_authority_key(ca_key), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return Certificates(ca.public_bytes(pem), _pem(ca_key), serving.public_bytes(pem), _pem(key))


def _authority_key(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + lifetime)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
