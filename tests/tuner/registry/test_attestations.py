"""Signing a pushed image, and verifying it with a program of another maker."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from kaito_registry.credentials import Credentials
from kaito_registry.digest import sha256
from kaito_registry.fake import FakeRegistry
from kaito_registry.media_types import INDEX_TYPE, MANIFEST_TYPE
from kaito_signatures.provenance import Provenance
from kaito_signatures.signer import Signer
from tests.tuner.registry.adapters import write_adapter
from tests.tuner.registry.conftest import GOOD, Open
from tests.tuner.registry.signing_keys import new_key, public_pem
from tuner.errors import RunError
from tuner.registry.attestations import attach_signature
from tuner.registry.http_repository import HttpRepository
from tuner.registry.image import Image, ImageMetadata
from tuner.registry.push import push

KEY = new_key()
METADATA = ImageMetadata(architecture="amd64", annotations={})
PROVENANCE = Provenance(
    base_model="phi",
    method="lora",
    dataset_digest=f"sha256:{'b' * 64}",
    config_digest=f"sha256:{'c' * 64}",
    finished_at="2026-11-29T07:00:00+00:00",
)


def push_signed(repository: HttpRepository, directory: Path) -> Image:
    adapter = directory / "adapter"
    if not adapter.exists():
        write_adapter(adapter)
    reference = repository.client.reference
    image = push(adapter, reference, METADATA, repository, directory / "work")
    attach_signature(image, reference, PROVENANCE, Signer(KEY), repository)
    return image


def statements(host: str, image: Image) -> dict[str, dict[str, Any]]:
    """The statements about the image by their predicate's type.

    Found and verified as any other client may do it: with plain requests and securesystemslib.
    """
    base = f"http://{host}/v2/team/adapter"
    listed = _get(f"{base}/referrers/{image.digest}", INDEX_TYPE)
    if listed is None:
        listed = _get(f"{base}/manifests/{image.digest.replace(':', '-')}", INDEX_TYPE)
    assert listed is not None
    found = {}
    for entry in json.loads(listed)["manifests"]:
        manifest = json.loads(_get(f"{base}/manifests/{entry['digest']}", MANIFEST_TYPE) or b"")
        assert manifest["subject"]["digest"] == image.digest
        assert manifest["subject"]["size"] == len(image.manifest)
        (layer,) = manifest["layers"]
        assert layer["mediaType"] == manifest["artifactType"]
        assert layer["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
        bundle = json.loads(_get(f"{base}/blobs/{layer['digest']}", "*/*") or b"")
        (signature,) = bundle["dsseEnvelope"]["signatures"]
        # Sigstore leaves the key's id out, and this library does not.
        signature["keyid"] = "signer"
        envelope = Envelope.from_dict(bundle["dsseEnvelope"])
        envelope.verify([_key()], 1)
        statement = json.loads(envelope.payload)
        assert statement["subject"] == [
            {"digest": {"sha256": image.digest.removeprefix("sha256:")}}
        ]
        found[statement["predicateType"]] = statement["predicate"]
        annotation = manifest["annotations"]["dev.sigstore.bundle.predicateType"]
        assert annotation == statement["predicateType"]
    return found


def _key() -> SSlibKey:
    value = {"public": public_pem(KEY).decode()}
    return SSlibKey("signer", "ecdsa", "ecdsa-sha2-nistp256", value)


def _get(url: str, accept: str) -> bytes | None:
    try:
        request = urllib.request.Request(url, headers={"Accept": accept})
        with urllib.request.urlopen(request) as response:
            content: bytes = response.read()
            return content
    except urllib.error.HTTPError as error:
        assert error.code == 404
        return None


def test_signature_and_provenance_are_verified_by_another_library(
    open_host: str, open_repository: Open, tmp_path: Path
) -> None:
    image = push_signed(open_repository(open_host, Credentials()), tmp_path)
    found = statements(open_host, image)
    assert found.keys() == {
        "https://sigstore.dev/cosign/sign/v1",
        "https://slsa.dev/provenance/v1",
    }
    definition = found["https://slsa.dev/provenance/v1"]["buildDefinition"]
    assert definition["externalParameters"]["baseModel"] == "phi"


@pytest.mark.parametrize("lists_referrers", [True, False])
def test_signing_again_changes_nothing(
    lists_referrers: bool, fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    fake_registry.lists_referrers = lists_referrers
    repository = open_repository(fake_registry.host, Credentials())
    push_signed(repository, tmp_path)
    manifests, blobs = dict(fake_registry.manifests), dict(fake_registry.blobs)
    image = push_signed(repository, tmp_path)
    assert (fake_registry.manifests, fake_registry.blobs) == (manifests, blobs)
    fallback = image.digest.replace(":", "-")
    assert (fallback in manifests) is not lists_referrers


def test_what_others_have_attached_stays(
    fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    fake_registry.lists_referrers = False
    repository = open_repository(fake_registry.host, Credentials())
    image = push_signed(repository, tmp_path)
    tag = image.digest.replace(":", "-")
    entries = json.loads(fake_registry.manifests[tag])["manifests"]
    other = {**entries[0], "annotations": {"by": "another"}}
    fake_registry.manifests[tag] = json.dumps(
        {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [other]}
    ).encode()
    push_signed(repository, tmp_path)
    after = json.loads(fake_registry.manifests[tag])["manifests"]
    assert after[0] == other
    assert [each["digest"] for each in after] == [each["digest"] for each in entries]


def test_credentials_that_push_also_sign(
    basic_host: str, open_repository: Open, tmp_path: Path
) -> None:
    push_signed(open_repository(basic_host, GOOD), tmp_path)


def test_damaged_signature_is_found_when_it_is_read_back(
    fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    repository = open_repository(fake_registry.host, Credentials())
    push_signed(repository, tmp_path)
    fake_registry.corrupt = {
        sha256(content)
        for content in fake_registry.blobs.values()
        if content.startswith(b"{") and b"dsseEnvelope" in content
    }
    with pytest.raises(RunError, match="was pushed and signed, but read back it has no signature"):
        push_signed(repository, tmp_path)
