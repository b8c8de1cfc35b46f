"""Sigstore bundles, version 0.3: an envelope, and a hint at the key that signed it."""

import json
from dataclasses import dataclass

from kaito_signatures.dsse import Envelope, parse_envelope

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_MAX_QUOTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle. `key_hint` is what it claims of the signing key; empty if it claims nothing.

    `has_certificate`: it is signed with a key that only a certificate names ("keyless").
    """

    envelope: Envelope
    key_hint: str = ""
    has_certificate: bool = False

    def to_bytes(self) -> bytes:
        """The bundle as JSON; equal bundles give equal bytes."""
        document = {
            "mediaType": BUNDLE_TYPE,
            "verificationMaterial": {"publicKey": {"hint": self.key_hint}},
            "dsseEnvelope": self.envelope.to_json(),
        }
        return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def parse_bundle(content: bytes) -> Bundle:
    """The bundle in `content`.

    Raises:
        ValueError: it is something else.
    """
    try:
        document = json.loads(content)
        if document["mediaType"] != BUNDLE_TYPE:
            # Anyone who may push has written it, and it may be as long as the bundle.
            unknown = repr(document["mediaType"])[:_MAX_QUOTED]
            raise ValueError(f"a bundle of the unknown type {unknown}")
        material = document["verificationMaterial"]
        key = material.get("publicKey") or {}
        return Bundle(
            envelope=parse_envelope(document["dsseEnvelope"]),
            key_hint=str(key.get("hint") or ""),
            has_certificate="certificate" in material,
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a Sigstore bundle with an envelope: {error!r}") from error
