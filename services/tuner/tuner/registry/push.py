"""The last phase: a trained adapter → its image in the registry, pulled back and compared."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.image import Image, build_image, build_layer, sha256
from tuner.registry.reference import Reference
from tuner.registry.repository import Repository

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What the image says of itself besides its content."""

    architecture: str
    annotations: Mapping[str, str]


def push(
    adapter: Path, reference: Reference, label: Label, repository: Repository, work: Path
) -> Image:
    """Puts the adapter in the directory `adapter` under `reference`; `work` takes the layer.

    Pushing what is there already only verifies it.
    Errors: RunError(PUSH_UNAUTHORIZED | REGISTRY_UNREACHABLE | PUSH_FAILED).
    """
    work.mkdir(parents=True, exist_ok=True)
    image = build_image(
        build_layer(adapter, work / "layer.tar.gz"), label.architecture, label.annotations
    )
    if repository.read_manifest(reference.tag) == image.manifest:
        logger.info("%s is in the registry already", reference)
    else:
        _upload(image, reference, repository)
    _verify(image, reference, repository)
    logger.info("pushed %s as %s", reference, image.digest)
    return image


def _upload(image: Image, reference: Reference, repository: Repository) -> None:
    blobs: dict[str, bytes | Path] = {
        image.layer.digest: image.layer.path,
        image.config_digest: image.config,
    }
    for digest, content in blobs.items():
        if repository.has_blob(digest):
            logger.info("blob %s is in the registry already", digest)
        else:
            repository.put_blob(digest, content)
    repository.put_manifest(reference.tag, image.manifest)


def _verify(image: Image, reference: Reference, repository: Repository) -> None:
    """Reads everything back by digest, as a node will.

    Errors: RunError(PUSH_FAILED) when anything differs.
    """
    manifest = repository.read_manifest(image.digest)
    found = {
        image.digest: sha256(manifest) if manifest is not None else "nothing",
        image.layer.digest: _digest_of_blob(repository, image.layer.digest),
        image.config_digest: _digest_of_blob(repository, image.config_digest),
    }
    for wanted, got in found.items():
        if wanted != got:
            raise RunError(
                Reason.PUSH_FAILED,
                f"{reference} was pushed, but reading {wanted} back gave {got}; the registry's "
                "storage is damaged or something between alters content: check both",
            )


def _digest_of_blob(repository: Repository, digest: str) -> str:
    digester = hashlib.sha256()
    for chunk in repository.read_blob(digest):
        digester.update(chunk)
    return f"sha256:{digester.hexdigest()}"
