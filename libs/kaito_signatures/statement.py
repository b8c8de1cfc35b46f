"""in-toto statements: what is said (the predicate) about which content (the subject)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PAYLOAD_TYPE = "application/vnd.in-toto+json"
# "This image is approved": what `cosign sign` says, and what a signature has to say here.
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
_TYPE = "https://in-toto.io/Statement/v1"
_TYPES = frozenset({_TYPE, "https://in-toto.io/Statement/v0.1"})
_SHA256 = "sha256:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement about the images `digests`, each "sha256:<hex>"."""

    digests: tuple[str, ...]
    predicate_type: str
    predicate: Mapping[str, Any]

    def to_bytes(self) -> bytes:
        """The statement as JSON; equal statements give equal bytes."""
        subjects = [{"digest": {"sha256": each.removeprefix(_SHA256)}} for each in self.digests]
        document = {
            "_type": _TYPE,
            "subject": subjects,
            "predicateType": self.predicate_type,
            "predicate": self.predicate,
        }
        return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def parse_statement(content: bytes) -> Statement:
    """The statement in `content`. Subjects without a SHA-256 digest are left out.

    Raises:
        ValueError: it is something else.
    """
    try:
        document = json.loads(content)
        if document["_type"] not in _TYPES:
            raise ValueError(f"a statement of the unknown type {document['_type']!r}")
        found = [each["digest"].get("sha256") for each in document["subject"]]
        predicate = document.get("predicate") or {}
        return Statement(
            digests=tuple(f"{_SHA256}{each}" for each in found if isinstance(each, str)),
            predicate_type=str(document["predicateType"]),
            predicate=predicate if isinstance(predicate, dict) else {},
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not an in-toto statement: {error!r}") from error
