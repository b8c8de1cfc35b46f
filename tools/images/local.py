"""The image store of this machine, in the cache."""

import os
from pathlib import Path

from tools.images.buildah import Buildah
from tools.images.work import Say, Workshop
from tools.preset_models.store import dataset_folder
from tools.venvs import CACHE, ROOT


def local_store() -> Buildah:
    """The store; packages come from uv's cache, and certificates from SSL_CERT_FILE."""
    certificates = os.environ.get("SSL_CERT_FILE")
    return Buildah(
        CACHE / "buildah",
        package_cache=Path(os.environ.get("UV_CACHE_DIR") or Path.home() / ".cache" / "uv"),
        certificates=Path(certificates) if certificates else None,
    )


def local_workshop(report: Say) -> Workshop:
    """A workshop that builds this checkout's images into the store."""
    return Workshop(root=ROOT, builder=local_store(), contexts={"data": dataset_folder}, say=report)
