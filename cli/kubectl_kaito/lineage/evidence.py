"""What bundles about an image prove, by which key. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from kaito_signatures.bundle import parse_bundle
from kaito_signatures.errors import KeyUnusable, SignatureRefused
from kaito_signatures.provenance import Provenance, read_provenance
from kaito_signatures.public_key import PublicKey, parse_public_keys
from kaito_signatures.statement import PAYLOAD_TYPE, Statement, parse_statement
from kaito_signatures.verification import require_signature, verified_statements
from kubectl_kaito.lineage.registries import Attached


class SignatureState(StrEnum):
    VERIFIED = "Verified"
    # It is signed, or is said to be, and by none of the keys.
    NOT_VERIFIED = "NotVerified"
    NOT_SIGNED = "NotSigned"
    # Nobody has named a key, so nothing can be said.
    NO_KEY = "NoKey"
    # The registry did not say what there is.
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of an image. Without `verified`, the provenance is what somebody says."""

    state: SignatureState
    detail: str = ""
    signed_by: str = ""
    provenance: Provenance | None = None
    verified: bool = False


def weigh(attached: Attached, keys: bytes, source: str) -> Evidence:
    """What the bundles prove with these keys, in PEM form; `source` is where the keys are from.

    Without keys, it is why the Secrets that are named have none.
    """
    if not keys:
        return _without_key(attached, source)
    try:
        trusted = parse_public_keys(keys)
    except KeyUnusable as error:
        return Evidence(state=SignatureState.NO_KEY, detail=f"{source} {error}")
    provenance, verified = _provenance(attached, trusted)
    try:
        signer = require_signature(attached.digest, attached.bundles, trusted, source)
    except SignatureRefused as error:
        unsigned = not attached.bundles
        state = SignatureState.NOT_SIGNED if unsigned else SignatureState.NOT_VERIFIED
        found = Evidence(state=state, detail=f"it {error}")
    else:
        found = Evidence(
            state=SignatureState.VERIFIED,
            detail=f"by the key of {source}",
            signed_by=signer.fingerprint,
        )
    return replace(found, provenance=provenance, verified=verified)


def _without_key(attached: Attached, why: str) -> Evidence:
    if not attached.bundles:
        return Evidence(
            state=SignatureState.NOT_SIGNED, detail="the registry has no signature of it"
        )
    remedy = "name one with --key cosign.pub, or a verificationSecret in the Workspace"
    return Evidence(
        state=SignatureState.NO_KEY,
        detail=f"not verified: no key; {why or remedy}",
        provenance=_first_provenance(_claimed(attached)),
    )


def _provenance(attached: Attached, keys: Sequence[PublicKey]) -> tuple[Provenance | None, bool]:
    """That which a key has signed before any other, and whether one has."""
    signed = [
        statement
        for statement, _ in verified_statements(attached.bundles, keys)
        if attached.digest in statement.digests
    ]
    if (found := _first_provenance(signed)) is not None:
        return found, True
    return _first_provenance(_claimed(attached)), False


def _first_provenance(statements: Iterable[Statement]) -> Provenance | None:
    return next((p for s in statements if (p := read_provenance(s)) is not None), None)


def _claimed(attached: Attached) -> list[Statement]:
    """The statements about the image, whoever has made them."""
    found = []
    for content in attached.bundles:
        try:
            bundle = parse_bundle(content)
            if bundle.envelope.payload_type != PAYLOAD_TYPE:
                continue
            statement = parse_statement(bundle.envelope.payload)
        except ValueError:
            continue
        if attached.digest in statement.digests:
            found.append(statement)
    return found
