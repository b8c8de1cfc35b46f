"""What is wrong with a Workspace whose model is none of the presets."""

from collections.abc import Iterator

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_api.workspace import PresetRef, WorkspaceSpec
from kaito_presets.hub.names import is_hub_name, is_revision
from workspace_controller.observed import Observed
from workspace_controller.plan.hub_model import hub_ref, requested_revision, trusts_code
from workspace_controller.plan.problem import Problem


def missing_preset(observed: Observed, spec: WorkspaceSpec, ref: PresetRef) -> Problem | None:
    """Why there is no preset; None while the hub is still to be asked about the model."""
    field = "tuning.preset.name" if spec.tuning is not None else "inference.preset.name"
    hint = f"did you mean {observed.closest_preset}? " if observed.closest_preset else ""
    if (refusal := observed.hub_refusal) is not None:
        if refusal.reason is Reason.MODEL_UNKNOWN:
            return Problem(refusal.reason, field, f"{refusal.message}; {hint}".rstrip("; "))
        return Problem(refusal.reason, field, refusal.message)
    if hub_ref(observed, spec) is not None:
        return None
    listed = "docs/reference/presets.md lists all of them"
    if spec.tuning is not None and is_hub_name(ref.name):
        message = f"{ref.name!r} is not a preset, and other models of the hub can only be served"
        marked = "docs/reference/presets.md marks those that can be tuned"
        return Problem(Reason.PRESET_NOT_TUNABLE, field, f"{message}: {hint}{marked}")
    if is_hub_name(ref.name):
        message = f"{ref.name!r} is not a preset, and this release asks no hub (hubEndpoint)"
        return Problem(Reason.PRESET_UNKNOWN, field, f"{message}: {hint}{listed}")
    more = "; a model of the Hugging Face hub is named organization/model"
    message = f"{ref.name!r} is not a preset: {hint}{listed}{more}"
    return Problem(Reason.PRESET_UNKNOWN, field, message)


def hub_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    """What the Workspace says about a model of the hub, besides its name."""
    ref, revision = hub_ref(observed, spec), requested_revision(observed.annotations)
    if ref is None:
        return
    if not is_revision(revision):
        yield Problem(
            Reason.WORKSPACE_INVALID,
            f"metadata.annotations[{labels.MODEL_REVISION}]",
            f"{revision!r} is not a branch, a tag or a commit: set one that {ref.name} has, or "
            "remove the annotation",
        )
    model = observed.hub_model
    if model is not None and model.remote_code and not trusts_code(observed.annotations):
        yield Problem(
            Reason.MODEL_NOT_SERVED,
            f"metadata.annotations[{labels.TRUST_REMOTE_CODE}]",
            f"missing, but {model.name} is loaded only with Python code from its repository: read "
            f'it at https://huggingface.co/{model.name}/tree/{model.revision}, and set "true" to '
            "let the engine run it",
        )
