"""The emulator's certificate authority and server certificate, created once per home folder."""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = datetime.timedelta(days=825)


@dataclass(frozen=True, slots=True)
class Certificates:
    """`ca` is what clients trust; `server` holds the server's certificate and key."""

    ca: Path
    server: Path

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        return context


def ensure(folder: Path, hosts: Sequence[str]) -> Certificates:
    """The certificates in `folder`, recreated if they are missing, expired or lack a host."""
    found = Certificates(folder / "ca.pem", folder / "server.pem")
    if not (found.ca.exists() and found.server.exists() and _covers(found.server, hosts)):
        folder.mkdir(parents=True, exist_ok=True)
        _create(found, hosts)
    return found


def _covers(server: Path, hosts: Sequence[str]) -> bool:
    certificate = x509.load_pem_x509_certificate(server.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    known = {str(name.value) for name in names}
    return known >= set(hosts) and certificate.not_valid_after_utc > datetime.datetime.now(
        datetime.UTC
    )


def _create(files: Certificates, hosts: Sequence[str]) -> None:
    """Create both. The authority's key signs once and is never written to disk."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _name("kaito-aks-emulator CA")
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca_key_id = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    ca = (
        _builder(authority, authority, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(ca_key_id, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_key_id)
    server = (
        _builder(_name("kaito-aks-emulator"), authority, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer_id, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(
        encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(files.server, server.public_bytes(encoding) + private, mode=0o600)
    _write(files.ca, ca.public_bytes(encoding), mode=0o644)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clients whose clock is slightly behind must accept it as well.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    return [_general_name(host) for host in hosts]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, content: bytes, mode: int) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=mode)
    # touch applies the umask; chmod sets the exact mode before any content is written.
    new.chmod(mode)
    new.write_bytes(content)
    os.replace(new, path)
