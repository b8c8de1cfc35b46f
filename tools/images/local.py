"""The image store and the pipeline of this machine."""

import os
from pathlib import Path

from tools.images.buildah import Buildah
from tools.images.pipeline import ImagePipeline, Report
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


def local_pipeline(report: Report) -> ImagePipeline:
    """The pipeline that builds this checkout's images in the local store."""
    return ImagePipeline(
        root=ROOT, builder=local_store(), contexts={"data": dataset_folder}, report=report
    )
