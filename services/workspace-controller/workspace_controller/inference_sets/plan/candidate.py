"""The Workspace that an InferenceSet would create, for its validation."""

from pydantic import ValidationError

from kaito_api import labels
from kaito_api.inference_set import parse
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.inference_sets.plan import manifests
from workspace_controller.plan.nodes.spending import LIMIT_FIELD
from workspace_controller.plan.problem import Problem
from workspace_controller.plan.spec import validation_text


def candidate(manifest: Manifest) -> Manifest | str:
    """The Workspace, or why the InferenceSet makes none."""
    try:
        spec = parse(manifest)
    except ValidationError as error:
        return validation_text(error)
    hash_ = manifests.template_hash(spec)
    (name,) = manifests.replica_names(manifest, hash_, 1, taken=())
    workspace = manifests.workspace(manifest, name, hash_)
    return {**workspace, "metadata": {**workspace["metadata"], "uid": ""}}


def limit_problem(manifest: Manifest) -> Problem | None:
    """A limit of the price that would be taken for one and keeps nothing; None without it."""
    if labels.MAX_PRICE_PER_HOUR not in (manifest["metadata"].get("annotations") or {}):
        return None
    return Problem(
        Reason.INFERENCE_SET_INVALID,
        LIMIT_FIELD,
        f"an InferenceSet has no limit of its own: set {field_in_set(LIMIT_FIELD)}, which counts "
        "for each replica, or the annotation of the Namespace, which counts for all",
    )


def field_in_set(field: str) -> str:
    """Where a field of the Workspace is in the InferenceSet."""
    if field.startswith("resource.labelSelector"):
        return f"spec.{field.removeprefix('resource.')}"
    return f"spec.template.{field}"
