"""The registry client against a registry in memory."""

import hashlib

import pytest

from tests.images.small_registry import small_registry
from tools.images.registry import MANIFEST, Registry, RegistryError


def test_blob_is_uploaded_once() -> None:
    with small_registry() as content:
        registry = Registry(content.address)
        digest = registry.put_blob("kaito/x", b"text")
        assert digest == "sha256:" + hashlib.sha256(b"text").hexdigest()
        assert content.blobs == {digest: b"text"}
        content.blobs[digest] = b"kept"
        registry.put_blob("kaito/x", b"text")
        assert content.blobs[digest] == b"kept"


def test_manifest_can_be_looked_up_and_tagged_again() -> None:
    with small_registry() as content:
        registry = Registry(content.address)
        assert not registry.has("kaito/x", "1")
        registry.put_manifest("kaito/x", "1", {"schemaVersion": 2})
        registry.tag("kaito/x", "1", "latest")
        assert registry.has("kaito/x", "latest")
        assert content.manifests["/v2/kaito/x/manifests/latest"][0] == MANIFEST


def test_tagging_a_missing_image_is_an_error() -> None:
    with (
        small_registry() as content,
        pytest.raises(RegistryError, match="kaito/x:1 does not exist"),
    ):
        Registry(content.address).tag("kaito/x", "1", "2")


def test_unreachable_registry_is_an_error() -> None:
    with small_registry() as content:
        address = content.address
    with pytest.raises(RegistryError, match=f"{address} does not answer"):
        Registry(address).has("kaito/x", "1")
