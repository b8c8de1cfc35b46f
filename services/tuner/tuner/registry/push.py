"""The push phase: upload the adapter as an image, then read it back and compare."""

import hashlib
import logging
from pathlib import Path

from kaito_registry.digest import sha256
from kaito_registry.reference import Reference
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.image import (
    Image,
    ImageMetadata,
    build_image,
    build_layer,
)
from tuner.registry.repository import Repository
from tuner.registry.tag_owner import require_own_tag

logger = logging.getLogger(__name__)


def push(
    adapter: Path,
    reference: Reference,
    metadata: ImageMetadata,
    repository: Repository,
    work_dir: Path,
    *,
    overwrite: bool = False,
) -> Image:
    """Push the adapter in the directory `adapter` under `reference`.

    The layer is built in `work_dir`. An image that the registry already holds is only verified.
    A tag with other content is moved only if the same Workspace trained that from the same inputs:
    the adapter of a pod that was lost after its push is trained again. Whatever else the tag names
    may be in use, and cannot be recovered: it is replaced with `overwrite` only.

    Raises:
        RunError: PUSH_UNAUTHORIZED, REGISTRY_UNREACHABLE or PUSH_FAILED.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    image = build_image(build_layer(adapter, work_dir / "layer.tar.gz"), metadata)
    existing = repository.read_manifest(reference.tag)
    if existing == image.manifest:
        logger.info("%s is already in the registry", reference)
    else:
        if not overwrite:
            require_own_tag(reference, existing, metadata.annotations)
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
            logger.info("blob %s is already in the registry", digest)
        else:
            repository.put_blob(digest, content)
    repository.put_manifest(reference.tag, image.manifest)


def _verify(image: Image, reference: Reference, repository: Repository) -> None:
    """Read everything back by digest, as a node will.

    Raises:
        RunError: PUSH_FAILED, something differs.
    """
    manifest = repository.read_manifest(image.digest)
    actual = {
        image.digest: sha256(manifest) if manifest is not None else "nothing",
        image.layer.digest: _blob_digest(repository, image.layer.digest),
        image.config_digest: _blob_digest(repository, image.config_digest),
    }
    for expected, got in actual.items():
        if expected != got:
            raise RunError(
                Reason.PUSH_FAILED,
                f"{reference} was pushed, but reading {expected} back gave {got}; the "
                "registry's storage is damaged, or a proxy alters content: check both",
            )


def _blob_digest(repository: Repository, digest: str) -> str:
    digester = hashlib.sha256()
    repository.read_blob(digest, digester.update)
    return f"sha256:{digester.hexdigest()}"
