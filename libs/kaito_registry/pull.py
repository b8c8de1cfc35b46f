"""Pulls files of one folder out of an image, with every digest checked."""

import hashlib
import logging
from pathlib import Path

from kaito_registry.digest import sha256
from kaito_registry.layer_files import LayerFiles, Selection
from kaito_registry.manifest import (
    ContentAltered,
    ImageInvalid,
    Layer,
    choose_image,
    is_index,
    layers,
    parse_manifest,
)
from kaito_registry.reference import Reference
from kaito_registry.repository_reader import RepositoryReader

logger = logging.getLogger(__name__)
_LAYER = ".layer"


def pull(
    repository: RepositoryReader, reference: Reference, selection: Selection, target: Path
) -> str:
    """Pull the selected files into the empty directory `target`.

    Returns the digest that `reference` leads to: that of the image, or of the index that lists it.

    Raises:
        ImageInvalid: there is no such image, or it cannot be read.
        Exception: what the errors of `repository` make.
    """
    content = _manifest(repository, reference)
    digest = _checked_digest(content, reference)
    document = parse_manifest(content)
    if is_index(document):
        chosen = reference.at(choose_image(document))
        content = _manifest(repository, chosen)
        if sha256(content) != chosen.digest:
            raise ContentAltered(f"lists {chosen.digest}, which the registry's storage damages")
        document = parse_manifest(content)
    files = LayerFiles(selection, target)
    found = layers(document)
    if sum(layer.size for layer in found) > selection.max_bytes:
        raise ImageInvalid(f"has layers of more than {selection.max_bytes // 2**20} MiB")
    for layer in found:
        path = target / _LAYER
        try:
            _download(repository, layer, path)
            files.apply(path, gzipped=layer.gzipped)
        finally:
            path.unlink(missing_ok=True)
    if not any(target.iterdir()):
        names = " and ".join(sorted(selection.names))
        raise ImageInvalid(f"holds none of {names} in /{selection.folder}")
    logger.info("pulled %s as %s", reference, digest)
    return digest


def resolve(repository: RepositoryReader, reference: Reference) -> str:
    """The digest that `reference` leads to: that of an image, or of an index that lists images.

    Raises:
        ImageInvalid: there is no such image.
        Exception: what the errors of `repository` make.
    """
    return _checked_digest(_manifest(repository, reference), reference)


def _checked_digest(content: bytes, reference: Reference) -> str:
    digest = sha256(content)
    if reference.digest and digest != reference.digest:
        raise ContentAltered(f"has the digest {digest}: the registry's storage is damaged")
    return digest


def _manifest(repository: RepositoryReader, reference: Reference) -> bytes:
    content = repository.read_manifest(reference.target)
    if content is None:
        raise ImageInvalid("does not exist: check the name and the tag, and that it was pushed")
    return content


def _download(repository: RepositoryReader, layer: Layer, path: Path) -> None:
    digester, size = hashlib.sha256(), 0
    with path.open("wb") as file:

        def write(chunk: bytes) -> None:
            nonlocal size
            size += len(chunk)
            if size > layer.size:
                raise ContentAltered(f"has a layer {layer.digest} that is longer than it declares")
            digester.update(chunk)
            file.write(chunk)

        repository.read_blob(layer.digest, write)
    if f"sha256:{digester.hexdigest()}" != layer.digest:
        raise ContentAltered(
            f"has a layer whose content is not {layer.digest}; the registry's storage is damaged, "
            "or a proxy alters content: check both"
        )
