"""Decides whether an image is signed by one of the keys that are trusted. Pure."""

from collections.abc import Iterable, Sequence

from kaito_signatures.bundle import Bundle, parse_bundle
from kaito_signatures.errors import SignatureRefused
from kaito_signatures.public_key import PublicKey
from kaito_signatures.statement import PAYLOAD_TYPE, SIGNATURE, Statement, parse_statement

_HOW_TO_SIGN = (
    "sign it with `cosign sign --key` (cosign 3 or newer), or push it from a Workspace with "
    "tuning.output.signingSecret"
)
# A status holds them, and whoever may push can attach junk of many kinds.
_MAX_PROBLEMS = 4


def require_signature(
    digest: str, bundles: Iterable[bytes], keys: Sequence[PublicKey], source: str
) -> PublicKey:
    """The key that signed the image `digest`, "sha256:<hex>".

    `bundles` are what the registry has about the image, good or bad; `source` is where the keys
    are from, for messages. Nothing that a bundle says counts before its signature is verified.

    Raises:
        SignatureRefused: no bundle is a signature of this image by one of the keys.
    """
    problems = list[str]()
    for content in bundles:
        try:
            bundle = parse_bundle(content)
        except ValueError as error:
            problems.append(f"one of its signatures is damaged ({error})")
            continue
        signer = _signer(bundle, keys)
        if signer is None:
            problems.append(_unverified(bundle, keys, source))
        elif problem := _mismatch(bundle, digest):
            problems.append(problem)
        else:
            return signer
    if not problems:
        raise SignatureRefused(f"has no signature: {_HOW_TO_SIGN}")
    # Equal ones once, in the order in which they were found.
    distinct = list(dict.fromkeys(problems))
    more = len(distinct) - _MAX_PROBLEMS
    others = [f"and {more} other signatures are not accepted either"] if more > 0 else []
    raise SignatureRefused(f"is not verified: {'; '.join(distinct[:_MAX_PROBLEMS] + others)}")


def verified_statements(
    bundles: Iterable[bytes], keys: Sequence[PublicKey]
) -> tuple[tuple[Statement, PublicKey], ...]:
    """The statements that one of the keys has signed, whatever they say, with that key."""
    found = list[tuple[Statement, PublicKey]]()
    for content in bundles:
        try:
            bundle = parse_bundle(content)
            signer = _signer(bundle, keys)
            if signer is not None and bundle.envelope.payload_type == PAYLOAD_TYPE:
                found.append((parse_statement(bundle.envelope.payload), signer))
        except ValueError:
            continue
    return tuple(found)


def _signer(bundle: Bundle, keys: Sequence[PublicKey]) -> PublicKey | None:
    """The hint is not asked: it is not signed."""
    signed = bundle.envelope.signed_bytes
    for key in keys:
        if any(key.verifies(signature, signed) for signature in bundle.envelope.signatures):
            return key
    return None


def _mismatch(bundle: Bundle, digest: str) -> str:
    """Why a statement that is verified is no signature of the image; empty if it is one."""
    try:
        if bundle.envelope.payload_type != PAYLOAD_TYPE:
            raise ValueError(f"a payload of type {bundle.envelope.payload_type!r}")
        statement = parse_statement(bundle.envelope.payload)
    except ValueError as error:
        return f"what is signed is not a statement about an image ({error})"
    if digest not in statement.digests:
        about = ", ".join(statement.digests) or "nothing"
        return f"one of its signatures is about another image ({about})"
    if statement.predicate_type != SIGNATURE:
        kind = statement.predicate_type
        return f"there is an attestation ({kind}), but no signature: {_HOW_TO_SIGN}"
    return ""


def _unverified(bundle: Bundle, keys: Sequence[PublicKey], source: str) -> str:
    if bundle.key_hint in {key.hint for key in keys}:
        return "a signature that names the right key does not match what is signed: it was altered"
    if bundle.has_certificate:
        return "it is signed by a certificate (keyless), which is not supported: sign it with a key"
    expected = ", ".join(key.fingerprint for key in keys)
    return (
        f"it is signed by another key than that of {source} ({expected}): sign it with that key, "
        "or put the public key of the one who signed it there"
    )
