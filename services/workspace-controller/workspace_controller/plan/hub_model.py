"""The model of the hub that a Workspace serves: which one to look up, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kaito_api import labels
from kaito_api.reasons import is_permanent
from kaito_api.workspace import PresetRef, WorkspaceSpec
from kaito_kube.kinds import Manifest
from kaito_presets.hub.model import HubModel
from kaito_presets.hub.names import DEFAULT_REVISION, is_hub_name, is_revision
from kaito_presets.hub.refusal import ModelRefusal
from kaito_presets.hub.stored import from_status, to_status
from kaito_presets.preset import Preset
from workspace_controller.observed import Observed


@dataclass(frozen=True, slots=True)
class LookUp:
    """What to ask the hub about; `secret` is empty where the Workspace names none."""

    name: str
    revision: str
    secret: str


def hub_ref(observed: Observed, spec: WorkspaceSpec) -> PresetRef | None:
    """The model of the hub that the Workspace serves; None for presets and other names.

    Presets count first, by their names on the hub, too: they say more than files do.
    """
    ref = spec.inference.preset if spec.inference is not None else None
    if ref is None or not observed.settings.hub_endpoint or not is_hub_name(ref.name):
        return None
    return ref if observed.preset is None or observed.hub_model is not None else None


def look_up(observed: Observed, spec: WorkspaceSpec) -> LookUp | None:
    """What to ask the hub about; None where everything is known, or nothing is to be asked.

    What the status has is not looked up again, unless the user asks for another revision.
    """
    ref, revision = hub_ref(observed, spec), requested_revision(observed.annotations)
    if ref is None or not is_revision(revision) or observed.adopted_workload is not None:
        return None
    if observed.hub_model is not None and observed.hub_model.requested == revision:
        return None
    return LookUp(ref.name, revision, ref.preset_options.model_access_secret or "")


def requested_revision(annotations: Mapping[str, str]) -> str:
    return annotations.get(labels.MODEL_REVISION, DEFAULT_REVISION)


def trusts_code(annotations: Mapping[str, str]) -> bool:
    return annotations.get(labels.TRUST_REMOTE_CODE, "").casefold() == "true"


def with_pinned_model(observed: Observed, spec: WorkspaceSpec) -> Observed:
    """The observation with the model that the status has, if it is one of the hub."""
    ref, stored = hub_ref(observed, spec), from_status(observed.status.get("model"))
    return observed if ref is None or stored is None else _with_model(observed, ref, stored)


def with_found_model(
    observed: Observed, spec: WorkspaceSpec, found: HubModel | ModelRefusal
) -> Observed:
    """The observation with the hub's answer.

    While the hub cannot be asked about another revision, the one that is served goes on.
    """
    ref = hub_ref(observed, spec)
    if ref is not None and isinstance(found, HubModel):
        return _with_model(observed, ref, found)
    if isinstance(found, HubModel):
        return observed
    if observed.hub_model is not None and not is_permanent(found.reason):
        return replace(observed, hub_refusal=found)
    return replace(observed, hub_model=None, preset=None, hub_refusal=found)


def unpinned_model(observed: Observed) -> Manifest | None:
    """What the status lacks of the model that was found; None where nothing is missing."""
    model = observed.hub_model
    if model is None or from_status(observed.status.get("model")) == model:
        return None
    return to_status(model).model_dump(by_alias=True, exclude_none=True, mode="json")


def _with_model(observed: Observed, ref: PresetRef, model: HubModel) -> Observed:
    return replace(observed, hub_model=model, preset=_preset(observed, ref, model))


def _preset(observed: Observed, ref: PresetRef, model: HubModel) -> Preset:
    """It has the name that the user wrote, which clients use in requests."""
    return replace(
        model.preset,
        name=ref.name,
        trust_remote_code=model.remote_code and trusts_code(observed.annotations),
    )
