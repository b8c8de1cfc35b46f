"""Public keys that signatures are verified with: ECDSA on P-256, as cosign makes them."""

import base64
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from kaito_signatures.errors import KeyUnusable

_PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_PUBLIC = b"PUBLIC KEY"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key on the curve P-256."""

    key: ec.EllipticCurvePublicKey

    @property
    def hint(self) -> str:
        """What a bundle calls the key: the SHA-256 of its DER form, in base64."""
        return base64.b64encode(self._digest()).decode()

    @property
    def fingerprint(self) -> str:
        """The same as people compare it: "sha256:<hex>"."""
        return f"sha256:{self._digest().hex()}"

    def verifies(self, signature: bytes, signed: bytes) -> bool:
        """Whether `signature` over the bytes `signed` is by this key."""
        try:
            self.key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def _digest(self) -> bytes:
        der = self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).digest()


def parse_public_keys(content: bytes) -> tuple[PublicKey, ...]:
    """The keys in PEM form, one after the other: while a key is replaced, there are two.

    Raises:
        KeyUnusable: there is none, or one of another kind.
    """
    blocks = list(_PEM.finditer(content))
    if not blocks:
        raise KeyUnusable("holds no public key in PEM form: put the content of cosign.pub there")
    return tuple(_parse(block) for block in blocks)


def _parse(block: re.Match[bytes]) -> PublicKey:
    if block[1] != _PUBLIC:
        kind = block[1].decode().lower()
        raise KeyUnusable(f"holds a {kind}, not a public key: put the content of cosign.pub there")
    try:
        key = load_pem_public_key(block[0])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"holds a public key that is damaged: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise KeyUnusable(
            "holds a public key that is not of ECDSA on P-256: create one with "
            "`cosign generate-key-pair`"
        )
    return PublicKey(key)
