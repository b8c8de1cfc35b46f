"""DSSE envelopes: a payload of a declared type, and signatures over both."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A payload with its signatures, neither of which is checked."""

    payload_type: str
    payload: bytes
    signatures: tuple[bytes, ...]

    @property
    def signed_bytes(self) -> bytes:
        """What the signatures are over."""
        return pre_authentication_encoding(self.payload_type, self.payload)

    def to_json(self) -> Mapping[str, Any]:
        return {
            "payload": _encode(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"sig": _encode(signature)} for signature in self.signatures],
        }


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """The payload with its type, each with its length: no other pair of both gives these bytes."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def parse_envelope(document: Mapping[str, Any]) -> Envelope:
    """The envelope in `document`.

    Raises:
        ValueError: it is something else.
    """
    try:
        signatures = tuple(_decode(each["sig"]) for each in document["signatures"])
        payload_type = str(document["payloadType"])
        # JSON can hold a lone surrogate, which no text has: nothing can be signed with such a type.
        payload_type.encode()
        return Envelope(
            payload_type=payload_type,
            payload=_decode(document["payload"]),
            signatures=signatures,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a DSSE envelope: {error!r}") from error


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
