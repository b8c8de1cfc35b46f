"""The signing secret: a private key, as `cosign generate-key-pair k8s://...` stores it."""

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)

from kaito_signatures.errors import KeyUnusable
from kaito_signatures.signer import Signer
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.cosign_key import decrypt_cosign_key, is_cosign_key

KEY, PASSWORD = "cosign.key", "cosign.password"
_CREATE = "`cosign generate-key-pair k8s://NAMESPACE/NAME`"


def read_signer(directory: Path, secret: str) -> Signer:
    """The signer with the key in `directory`. `secret` is what messages call it.

    Raises:
        RunError: SIGNING_KEY_INVALID, there is no key that can sign.
    """
    try:
        content = (directory / KEY).read_bytes()
        password_file = directory / PASSWORD
        password = password_file.read_bytes() if password_file.exists() else b""
        return Signer(_parse(content, password))
    except OSError as error:
        problem = f"has no readable key {KEY} ({error.strerror})"
    except KeyUnusable as error:
        problem = str(error)
    raise RunError(
        Reason.SIGNING_KEY_INVALID,
        f"the adapter cannot be signed: {secret} {problem}; create it with {_CREATE}",
    )


def _parse(content: bytes, password: bytes) -> ec.EllipticCurvePrivateKey:
    """Raises KeyUnusable. Its text quotes nothing of the key: neither may be logged."""
    try:
        if is_cosign_key(content):
            key = load_der_private_key(decrypt_cosign_key(content, password), None)
        else:
            key = load_pem_private_key(content, password or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise KeyUnusable(
            f"holds in {KEY} no private key in PEM form, or {PASSWORD} does not open it"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise KeyUnusable(f"holds in {KEY} a key that is not of ECDSA on P-256")
    return key
