"""Describes the adapter's image by the training that it comes from."""

import platform

from kaito_registry.reference import Reference
from tuner.registry.image import WORKSPACE_ANNOTATION, ImageMetadata
from tuner.summary import TrainingSummary

# The machine's name as uname has it → as container images have it (GOARCH).
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def image_metadata(summary: TrainingSummary, reference: Reference, workspace: str) -> ImageMetadata:
    """Architecture and annotations of the image that `workspace`, "namespace/name", pushes.

    All annotations follow from the arguments, so that pushing again gives the same image.
    """
    annotations = {
        "org.opencontainers.image.title": f"{summary.base_model} {summary.method} adapter",
        "org.opencontainers.image.description": "LoRA adapter in /data, trained by KAITO",
        "org.opencontainers.image.created": summary.finished_at,
        "org.opencontainers.image.version": reference.tag,
        "sh.kaito.model.name": summary.base_model,
        # Who may overwrite the tag.
        WORKSPACE_ANNOTATION: workspace,
        "ai.kaito.method": summary.method,
        "ai.kaito.dataset.digest": summary.dataset_digest,
        "ai.kaito.dataset.rows": str(summary.dataset_rows),
        "ai.kaito.dataset.rows.dropped": str(summary.rows_dropped),
        "ai.kaito.dataset.rows.cut": str(summary.rows_cut),
        "ai.kaito.config.digest": summary.config_digest,
        "ai.kaito.training.steps": str(summary.steps),
        "ai.kaito.training.epochs": f"{summary.epochs:g}",
        "ai.kaito.training.tokens": str(summary.tokens),
        "ai.kaito.training.seconds": f"{summary.seconds:.1f}",
    }
    if summary.loss is not None:
        annotations["ai.kaito.training.loss"] = f"{summary.loss:.6g}"
    if summary.eval_loss is not None:
        annotations["ai.kaito.training.eval-loss"] = f"{summary.eval_loss:.6g}"
    machine = platform.machine()
    return ImageMetadata(architecture=ARCHITECTURES.get(machine, machine), annotations=annotations)
