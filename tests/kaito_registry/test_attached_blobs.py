"""What others attach to an image hides no signature of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from kaito_registry.attached_blobs import MAX_BLOBS_PER_REFERRER, read_attached
from kaito_registry.digest import sha256
from kaito_registry.referrers import Referrer

TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
IMAGE = b'{"layers": []}'
GOOD = Referrer(subject=IMAGE, artifact_type=TYPE, content=b"signature", annotations={})
JUNK = b"a blob that is longer than it declares"


class Repository:
    """Artifacts about one image, which nobody has checked."""

    def __init__(self, *manifests: bytes) -> None:
        self.manifests = {sha256(each): each for each in manifests}
        self.blobs = {sha256(each): each for each in (GOOD.content, JUNK)}
        self.blobs_read = 0

    def read_blob(self, digest: str, write: Callable[[bytes], object]) -> None:
        self.blobs_read += 1
        write(self.blobs[digest])

    def read_manifest(self, reference: str) -> bytes | None:
        return self.manifests.get(reference)

    def read_referrers(self, digest: str, max_pages: int) -> list[bytes] | None:
        return [json.dumps({"manifests": [{"digest": each} for each in self.manifests]}).encode()]


def layer(size: object, content: bytes = JUNK) -> dict[str, object]:
    return {"mediaType": TYPE, "digest": sha256(content), "size": size}


def artifact(layers: Any) -> bytes:
    return json.dumps({"layers": layers}).encode()


@pytest.mark.parametrize(
    "junk",
    [
        b"no JSON",
        b"[]",
        artifact(5),
        artifact([5, "x", None]),
        artifact([layer(1)]),
        artifact([layer(-1)]),
        artifact([layer("1")]),
        artifact([layer(1 << 40)]),
    ],
)
def test_an_artifact_that_cannot_be_read_is_passed_over(junk: bytes) -> None:
    repository = Repository(junk, GOOD.manifest)
    assert read_attached(repository, GOOD.subject_digest, TYPE) == [GOOD.content]


def test_one_artifact_of_many_blobs_takes_no_room_of_the_others() -> None:
    many = artifact([layer(each) for each in range(10_000)])
    repository = Repository(many, GOOD.manifest)
    assert read_attached(repository, GOOD.subject_digest, TYPE) == [GOOD.content]
    assert repository.blobs_read <= MAX_BLOBS_PER_REFERRER + 1
