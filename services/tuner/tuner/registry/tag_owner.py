"""Whether a tag that names an image may be moved to another one."""

import json
from collections.abc import Mapping

from kaito_registry.digest import sha256
from kaito_registry.reference import Reference
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.image import WORKSPACE_ANNOTATION

# What an adapter is trained from. Training is not deterministic everywhere, so a run that was lost
# after its push, and is repeated, gives another image of the same inputs.
INPUT_ANNOTATIONS = (
    "sh.kaito.model.name",
    "ai.kaito.method",
    "ai.kaito.dataset.digest",
    "ai.kaito.config.digest",
)


def require_own_tag(
    reference: Reference, manifest: bytes | None, annotations: Mapping[str, str]
) -> None:
    """Check that the tag is free, or that `manifest`, which it names, is of the same run.

    `annotations` are those of the image that is to be pushed: the Workspace's alone before there is
    an adapter, and then its inputs as well.

    Raises:
        RunError: PUSH_FAILED, the tag names another image.
    """
    if manifest is None:
        return
    found, image = _annotations(manifest), f"{reference} is already another image"
    if found.get(WORKSPACE_ANNOTATION) != annotations.get(WORKSPACE_ANNOTATION, ""):
        cause = "which this Workspace did not push"
    elif any(found.get(key) != annotations[key] for key in INPUT_ANNOTATIONS if key in annotations):
        cause = "which this Workspace trained from other inputs"
    else:
        return
    # Retried: once the tag is gone, the push succeeds, without a new training.
    raise RunError(
        Reason.PUSH_FAILED,
        f"{image} ({sha256(manifest)}), {cause}, and a tag is not moved: delete that tag, and the "
        "run continues; or push to another tag (tuning.output.image), or set "
        "tuning.output.overwrite, both of which train again",
    )


def _annotations(manifest: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(manifest)["annotations"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
