"""Adapters that must be signed: what is pulled, and what users read of the others."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kaito_registry.digest import sha256
from kaito_registry.fake import FakeRegistry
from kaito_registry.media_types import INDEX_TYPE, MANIFEST_TYPE
from kaito_registry.referrers import Referrer, fallback_tag, with_referrer
from kaito_signatures.bundle import BUNDLE_TYPE
from kaito_signatures.signer import Signer
from kaito_signatures.statement import SIGNATURE, Statement
from model_server.pulled_adapters.pull_errors import PullFailed
from model_server.pulled_adapters.puller import PulledImage, RegistryPuller
from model_server.pulled_adapters.wanted import RegistryAccess, Verification, WantedAdapter
from tests.kaito_registry.images import layer, publish

FILES = {"data/adapter_config.json": b"{}", "data/adapter_model.safetensors": b"w" * 1000}
OURS, THEIRS = (Signer(ec.generate_private_key(ec.SECP256R1())) for _ in range(2))
SOURCE = "the Secret team/signing"


def pem(signer: Signer) -> str:
    key = signer.public_key.key
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def pull(image: str, target: Path, keys: str | None = None) -> PulledImage:
    entry = WantedAdapter(
        name="a",
        image=image,
        access=RegistryAccess(plain_http=True),
        verification=Verification(public_keys=pem(OURS) if keys is None else keys, source=SOURCE),
    )
    stop = threading.Event()
    return RegistryPuller(stop).pull(entry, target)


def sign(registry: FakeRegistry, tag: str = "1", signer: Signer = OURS, about: str = "") -> None:
    """Attach a signature to the image with that tag, as cosign does."""
    subject = registry.manifests[tag]
    statement = Statement(
        digests=(about or sha256(subject),), predicate_type=SIGNATURE, predicate={}
    )
    bundle = signer.sign(statement).to_bytes()
    referrer = Referrer(subject=subject, artifact_type=BUNDLE_TYPE, content=bundle, annotations={})
    registry.blobs[sha256(bundle)] = bundle
    base = f"http://{registry.host}/v2/team/a/manifests"
    url = f"{base}/{sha256(referrer.manifest)}"
    headers = {"Content-Type": MANIFEST_TYPE}
    httpx2.put(url, content=referrer.manifest, headers=headers).raise_for_status()
    if not registry.lists_referrers:
        tag = fallback_tag(sha256(subject))
        index = with_referrer(registry.manifests.get(tag), referrer)
        headers = {"Content-Type": INDEX_TYPE}
        httpx2.put(f"{base}/{tag}", content=index, headers=headers).raise_for_status()


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry().running() as running:
        publish(running.host, "team/a", "1", [layer(FILES)])
        running.blobs[sha256(b"{}")] = b"{}"
        yield running


@pytest.mark.parametrize("lists_referrers", [True, False], ids=["referrers API", "fallback tag"])
def test_signed_image_is_pulled_and_its_key_is_named(
    lists_referrers: bool, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.lists_referrers = lists_referrers
    sign(registry)
    pulled = pull(f"{registry.host}/team/a:1", tmp_path)
    assert pulled.image == f"{registry.host}/team/a@{sha256(registry.manifests['1'])}"
    assert pulled.signed_by == OURS.public_key.fingerprint
    assert (tmp_path / "adapter_model.safetensors").read_bytes() == b"w" * 1000


def test_image_without_a_signature_is_refused(registry: FakeRegistry, tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="has no signature: sign it with `cosign sign") as caught:
        pull(f"{registry.host}/team/a:1", tmp_path)
    # Somebody may sign it.
    assert caught.value.unverified and caught.value.retryable
    assert not list(tmp_path.iterdir())


def test_signature_of_another_key_is_refused(registry: FakeRegistry, tmp_path: Path) -> None:
    sign(registry, signer=THEIRS)
    with pytest.raises(PullFailed) as caught:
        pull(f"{registry.host}/team/a:1", tmp_path)
    assert f"it is signed by another key than that of {SOURCE}" in caught.value.message
    assert caught.value.unverified


def test_signature_of_another_image_is_refused(registry: FakeRegistry, tmp_path: Path) -> None:
    sign(registry, about=f"sha256:{'0' * 64}")
    with pytest.raises(PullFailed, match="is about another image") as caught:
        pull(f"{registry.host}/team/a:1", tmp_path)
    assert caught.value.unverified


@pytest.mark.parametrize("part", ["layer", "bundle", "manifest of the image", "other image"])
def test_one_byte_that_differs_is_refused(
    part: str, registry: FakeRegistry, tmp_path: Path
) -> None:
    """Whoever can write to the registry's storage or its tags changes what is served."""
    sign(registry)
    document = json.loads(registry.manifests["1"])
    weights = document["layers"][0]["digest"]
    if part == "layer":
        registry.corrupt = {weights}
    elif part == "bundle":
        registry.corrupt = {key for key, c in registry.blobs.items() if b"dsseEnvelope" in c}
    elif part == "manifest of the image":
        registry.manifests["1"] += b" "
    else:
        altered = {**FILES, "data/adapter_model.safetensors": b"w" * 999 + b"x"}
        publish(registry.host, "team/a", "1", [layer(altered)])
    with pytest.raises(PullFailed) as caught:
        pull(f"{registry.host}/team/a:1", tmp_path)
    assert caught.value.unverified, caught.value.message


def test_damaged_image_that_needs_no_signature_is_not_called_unverified(
    registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.corrupt = {json.loads(registry.manifests["1"])["layers"][0]["digest"]}
    access = RegistryAccess(plain_http=True)
    entry = WantedAdapter(name="a", image=f"{registry.host}/team/a:1", access=access)
    with pytest.raises(PullFailed) as caught:
        RegistryPuller(threading.Event()).pull(entry, tmp_path)
    assert not caught.value.unverified


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("", f"{SOURCE} holds no public key in PEM form"),
        ("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----", "that is damaged"),
    ],
)
def test_secret_without_a_key_accepts_nothing(
    keys: str, says: str, registry: FakeRegistry, tmp_path: Path
) -> None:
    sign(registry)
    with pytest.raises(PullFailed) as caught:
        pull(f"{registry.host}/team/a:1", tmp_path, keys)
    assert says in caught.value.message and caught.value.unverified


def test_any_key_of_the_secret_may_have_signed(registry: FakeRegistry, tmp_path: Path) -> None:
    sign(registry, signer=THEIRS)
    keys = pem(OURS) + pem(THEIRS)
    signed_by = pull(f"{registry.host}/team/a:1", tmp_path, keys).signed_by
    assert signed_by == THEIRS.public_key.fingerprint
