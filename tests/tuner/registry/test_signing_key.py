"""Reading the signing secret."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from tests.tuner.registry.signing_keys import (
    encrypted_like_cosign,
    new_key,
    private_pem,
    public_pem,
    signing_secret,
)
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.signing_key import read_signer

KEY = new_key()
SECRET = "the secret 'signing'"


def test_secret_that_cosign_has_created_signs(tmp_path: Path) -> None:
    assert read_signer(signing_secret(tmp_path, KEY), SECRET).public_key.key == KEY.public_key()


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (private_pem(KEY), None),
        (KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")), b"x"),
        (encrypted_like_cosign(KEY, b""), None),
    ],
    ids=["plain PEM", "encrypted PEM", "cosign without a password"],
)
def test_other_forms_of_a_key_sign(content: bytes, password: bytes | None, tmp_path: Path) -> None:
    (tmp_path / "cosign.key").write_bytes(content)
    if password is not None:
        (tmp_path / "cosign.password").write_bytes(password)
    assert read_signer(tmp_path, SECRET).public_key.key == KEY.public_key()


@pytest.mark.parametrize(
    ("content", "password", "says"),
    [
        (None, None, "has no readable key cosign.key"),
        (b"", None, "holds in cosign.key no private key in PEM form"),
        (b"\xff", None, "holds in cosign.key no private key in PEM form"),
        (public_pem(KEY), None, "holds in cosign.key no private key in PEM form"),
        (encrypted_like_cosign(KEY, b"right"), b"wrong", "cosign.password does not open it"),
        (encrypted_like_cosign(KEY, b"x", 1 << 30), b"x", "cosign.password does not open it"),
        (encrypted_like_cosign(KEY, b"x")[:200], b"x", "no private key in PEM form"),
        (
            private_pem(ec.generate_private_key(ec.SECP384R1())),
            None,
            "a key that is not of ECDSA on P-256",
        ),
    ],
)
def test_key_that_cannot_sign_is_refused(
    content: bytes | None, password: bytes | None, says: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "cosign.key").write_bytes(content)
    if password is not None:
        (tmp_path / "cosign.password").write_bytes(password)
    with pytest.raises(RunError) as caught:
        read_signer(tmp_path, SECRET)
    assert caught.value.reason is Reason.SIGNING_KEY_INVALID
    assert says in caught.value.message
    assert "cosign generate-key-pair k8s://" in caught.value.message
    # Nothing of the Secret is quoted.
    assert not password or password.decode() not in caught.value.message.split("holds")[-1].split()
