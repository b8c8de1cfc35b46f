"""Decrypts a private key as cosign encrypts it: scrypt, and NaCl's secretbox over the DER form."""

import base64
import json
import re

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

_PEM = re.compile(
    rb"-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----(.*?)-----END", re.DOTALL
)
# cosign uses 2^16. The checker's container has 512 MiB, of which scrypt takes 1 KiB for each.
_MAX_SCRYPT_N = 1 << 18


def is_cosign_key(content: bytes) -> bool:
    """Whether `content` is a key that cosign has encrypted, and not one of PKCS #8 or SEC 1."""
    return _PEM.search(content) is not None


def decrypt_cosign_key(content: bytes, password: bytes) -> bytes:
    """The private key, in DER form.

    Raises:
        ValueError: it is no such key, or of another password. The text quotes nothing of either.
    """
    try:
        found = _PEM.search(content)
        assert found is not None, "ask is_cosign_key first"
        document = json.loads(base64.b64decode(found[2]))
        kdf, cipher = document["kdf"], document["cipher"]
        if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
            raise ValueError("an unknown encryption")
        params = kdf["params"]
        if not 0 < params["N"] <= _MAX_SCRYPT_N:
            raise ValueError("a scrypt parameter is out of bounds")
        salt = base64.b64decode(kdf["salt"])
        derived = Scrypt(salt, SecretBox.KEY_SIZE, params["N"], params["r"], params["p"])
        box = SecretBox(derived.derive(password))
        plain: bytes = box.decrypt(
            base64.b64decode(document["ciphertext"]), base64.b64decode(cipher["nonce"])
        )
    except (CryptoError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise ValueError(f"not a key of this password ({type(error).__name__})") from None
    return plain
