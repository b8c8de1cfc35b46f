"""Reading public keys."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kaito_signatures.errors import KeyUnusable
from kaito_signatures.public_key import parse_public_keys

FIRST, SECOND = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def public(key: Key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_several_keys_are_read_in_order() -> None:
    keys = parse_public_keys(b"# old\n" + public(FIRST) + b"\n# new\n" + public(SECOND))
    assert [key.key for key in keys] == [FIRST.public_key(), SECOND.public_key()]
    assert keys[0].fingerprint.startswith("sha256:")
    assert len({key.hint for key in keys}) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "holds no public key in PEM form"),
        (b"\xff\xfe", "holds no public key in PEM form"),
        (
            FIRST.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "holds a private key, not a public key",
        ),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "that is damaged"),
        (public(ec.generate_private_key(ec.SECP384R1())), "not of ECDSA on P-256"),
        (public(ed25519.Ed25519PrivateKey.generate()), "not of ECDSA on P-256"),
    ],
)
def test_other_content_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(KeyUnusable, match=says):
        parse_public_keys(content)
