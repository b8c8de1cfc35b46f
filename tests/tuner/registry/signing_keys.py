"""Signing secrets for tests, as `cosign generate-key-pair` makes them."""

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from nacl.secret import SecretBox

# cosign uses 65536, which takes 64 MiB and a second of CPU time.
SCRYPT_N = 1024


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def encrypted_like_cosign(
    key: ec.EllipticCurvePrivateKey, password: bytes, scrypt_n: int = SCRYPT_N
) -> bytes:
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    salt, nonce = bytes(range(32)), bytes(range(24))
    derived = Scrypt(salt, SecretBox.KEY_SIZE, min(scrypt_n, SCRYPT_N), 8, 1).derive(password)
    sealed = SecretBox(derived).encrypt(plain, nonce).ciphertext
    document = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": scrypt_n, "r": 8, "p": 1},
            "salt": base64.b64encode(salt).decode(),
        },
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(sealed).decode(),
    }
    body = base64.encodebytes(json.dumps(document).encode())
    label = b"ENCRYPTED SIGSTORE PRIVATE KEY"
    return b"-----BEGIN %b-----\n%b-----END %b-----\n" % (label, body, label)


def signing_secret(
    directory: Path, key: ec.EllipticCurvePrivateKey, password: bytes = b"open"
) -> Path:
    """The directory with the Secret's keys."""
    directory.mkdir(exist_ok=True)
    (directory / "cosign.key").write_bytes(encrypted_like_cosign(key, password))
    (directory / "cosign.password").write_bytes(password)
    (directory / "cosign.pub").write_bytes(public_pem(key))
    return directory
