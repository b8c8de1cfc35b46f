"""Signs statements with a private key."""

from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kaito_signatures.bundle import Bundle
from kaito_signatures.dsse import Envelope, pre_authentication_encoding
from kaito_signatures.public_key import PublicKey
from kaito_signatures.statement import PAYLOAD_TYPE, Statement


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with a key on the curve P-256. The same statement always gives the same bytes."""

    key: ec.EllipticCurvePrivateKey

    @property
    def public_key(self) -> PublicKey:
        return PublicKey(self.key.public_key())

    def sign(self, statement: Statement) -> Bundle:
        payload = statement.to_bytes()
        signed = pre_authentication_encoding(PAYLOAD_TYPE, payload)
        # Deterministic (RFC 6979), so that pushing again changes nothing in the registry.
        signature = self.key.sign(signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        envelope = Envelope(payload_type=PAYLOAD_TYPE, payload=payload, signatures=(signature,))
        return Bundle(envelope=envelope, key_hint=self.public_key.hint)
