"""A private CA and a certificate of it for the loopback address, by openssl."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "openssl"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class PrivateCa:
    """`certificate` is what clients must trust, `server` what a server on `address` presents."""

    certificate: Path
    server: ssl.SSLContext


def issue(directory: Path, address: str = "127.0.0.1") -> PrivateCa:
    """Make both in `directory`."""
    _openssl(
        directory, "req", "-x509", *KEY, "-subj", "/CN=test", "-keyout", "ca.key", "-out", "ca"
    )
    _openssl(directory, "req", *KEY, "-subj", "/CN=registry", "-keyout", "key", "-out", "request")
    (directory / "extensions").write_text(f"subjectAltName=IP:{address}\n")
    _openssl(
        directory,
        *("x509", "-req", "-in", "request", "-CA", "ca", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-extfile", "extensions", "-out", "certificate"),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "certificate", directory / "key")
    return PrivateCa(directory / "ca", context)


def _openssl(directory: Path, *arguments: str) -> None:
    done = subprocess.run(
        [PROGRAM, *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
