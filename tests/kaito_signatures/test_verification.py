"""Which images count as signed by whom."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kaito_signatures.bundle import parse_bundle
from kaito_signatures.errors import SignatureRefused
from kaito_signatures.signer import Signer
from kaito_signatures.statement import PROVENANCE, SIGNATURE, Statement
from kaito_signatures.verification import require_signature, verified_statements

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
SOURCE = "the Secret team/signing"
OURS, THEIRS = (Signer(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))


def bundle(signer: Signer = OURS, digest: str = DIGEST, kind: str = SIGNATURE) -> bytes:
    statement = Statement(digests=(digest,), predicate_type=kind, predicate={})
    return signer.sign(statement).to_bytes()


def edited(change: Callable[[dict[str, Any]], object], content: bytes | None = None) -> bytes:
    document = json.loads(content or bundle())
    change(document)
    return json.dumps(document).encode()


def other_payload(document: dict[str, Any]) -> None:
    statement = Statement(digests=(OTHER,), predicate_type=SIGNATURE, predicate={})
    document["dsseEnvelope"]["payload"] = base64.b64encode(statement.to_bytes()).decode()


def no_text(document: dict[str, Any]) -> None:
    document["dsseEnvelope"]["payloadType"] = "\ud800"


def one_bit(document: dict[str, Any]) -> None:
    signature = document["dsseEnvelope"]["signatures"][0]
    data = bytearray(base64.b64decode(signature["sig"]))
    data[-1] ^= 1
    signature["sig"] = base64.b64encode(data).decode()


def other_type(document: dict[str, Any]) -> None:
    document["dsseEnvelope"]["payloadType"] = "text/plain"


def keyless(document: dict[str, Any]) -> None:
    document["verificationMaterial"] = {"certificate": {"rawBytes": "AA=="}}


@pytest.mark.parametrize(
    "bundles",
    [
        [bundle()],
        [bundle(THEIRS), b"junk", bundle()],
        [edited(no_text), bundle()],
        [bundle(kind=PROVENANCE), bundle()],
        [edited(lambda d: d["verificationMaterial"]["publicKey"].update(hint=""))],
        [edited(lambda d: d["verificationMaterial"].update(tlogEntries=[]))],
    ],
    ids=[
        "alone",
        "beside others",
        "beside a type that is no text",
        "beside provenance",
        "without a hint",
        "with a log",
    ],
)
def test_signature_of_the_key_is_found(bundles: list[bytes]) -> None:
    assert require_signature(DIGEST, bundles, [OURS.public_key], SOURCE) == OURS.public_key


def test_any_of_several_keys_may_sign() -> None:
    keys = [THEIRS.public_key, OURS.public_key]
    assert require_signature(DIGEST, [bundle()], keys, SOURCE) == OURS.public_key


@pytest.mark.parametrize(
    ("bundles", "says"),
    [
        ([], "has no signature: sign it with `cosign sign --key`"),
        ([bundle(THEIRS)], f"is not verified: it is signed by another key than that of {SOURCE}"),
        ([bundle(digest=OTHER)], f"one of its signatures is about another image ({OTHER})"),
        ([bundle(kind=PROVENANCE)], f"there is an attestation ({PROVENANCE}), but no signature"),
        ([edited(one_bit)], "does not match what is signed: it was altered"),
        ([edited(other_payload)], "does not match what is signed: it was altered"),
        ([edited(other_type)], "does not match what is signed: it was altered"),
        ([edited(keyless, bundle(THEIRS))], "it is signed by a certificate (keyless)"),
        ([b"{}"], "one of its signatures is damaged"),
        ([b"[" * 100_000], "one of its signatures is damaged"),
        ([edited(lambda d: d.update(mediaType="x"))], "a bundle of the unknown type 'x'"),
        ([edited(lambda d: d.update(dsseEnvelope=[]))], "one of its signatures is damaged"),
        ([edited(lambda d: d["dsseEnvelope"].update(signatures=[]))], "it was altered"),
    ],
)
def test_whatever_is_no_signature_of_the_key_is_refused(bundles: list[bytes], says: str) -> None:
    with pytest.raises(SignatureRefused) as caught:
        require_signature(DIGEST, bundles, [OURS.public_key], SOURCE)
    assert says in str(caught.value)


def test_no_key_verifies_nothing() -> None:
    with pytest.raises(SignatureRefused):
        require_signature(DIGEST, [bundle()], [], SOURCE)


def test_every_byte_of_a_bundle_counts() -> None:
    content = bundle()
    accepted = 0
    for index in range(len(content)):
        altered = content[:index] + bytes([content[index] ^ 1]) + content[index + 1 :]
        try:
            parsed = parse_bundle(altered).envelope
            require_signature(DIGEST, [altered], [OURS.public_key], SOURCE)
        except (SignatureRefused, ValueError):
            continue
        # The hint alone is not signed, and is not asked.
        assert parsed == parse_bundle(content).envelope
        accepted += 1
    assert accepted < 120


def test_only_verified_statements_are_read() -> None:
    found = verified_statements(
        [bundle(THEIRS), b"junk", bundle(kind=PROVENANCE), edited(one_bit)], [OURS.public_key]
    )
    assert [(each.predicate_type, key) for each, key in found] == [(PROVENANCE, OURS.public_key)]


def test_signing_again_gives_the_same_bytes() -> None:
    assert bundle() == bundle()


def test_junk_of_many_kinds_makes_no_long_message() -> None:
    junk = [json.dumps({"mediaType": f"{each}{'x' * 10_000}"}).encode() for each in range(64)]
    with pytest.raises(SignatureRefused, match="and 60 other signatures") as refused:
        require_signature(DIGEST, junk, [OURS.public_key], SOURCE)
    assert len(str(refused.value)) < 1000
