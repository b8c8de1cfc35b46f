"""Whose image a tag names: that of the Workspace itself, which may replace it, or another."""

import json

from kaito_registry.reference import Reference
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.image import WORKSPACE_ANNOTATION, sha256


def require_own_tag(reference: Reference, manifest: bytes | None, workspace: str) -> None:
    """Check that the tag is free, or that `manifest`, which it names, is the Workspace's own.

    Raises:
        RunError: PUSH_FAILED, the tag names another image.
    """
    if manifest is None or _pusher(manifest) == workspace:
        return
    # Retried: once the tag is gone, the push succeeds, without a new training.
    raise RunError(
        Reason.PUSH_FAILED,
        f"{reference} is already another image ({sha256(manifest)}), which this Workspace did "
        "not push and does not overwrite; delete that tag, and the run continues, or push to "
        "another tag: change tuning.output.image",
    )


def _pusher(manifest: bytes) -> str | None:
    """The Workspace that pushed `manifest`, as "namespace/name"; None if it does not say so."""
    try:
        return str(json.loads(manifest)["annotations"][WORKSPACE_ANNOTATION])
    except (ValueError, KeyError, TypeError):
        return None
