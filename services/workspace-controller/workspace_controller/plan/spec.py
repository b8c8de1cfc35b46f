"""Reads a Workspace's spec: what the user asks for, and which objects it refers to."""

from pydantic import ValidationError

from kaito_api import labels
from kaito_api.workspace import PresetRef, WorkspaceSpec, parse
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed


def parse_spec(workspace: Manifest) -> tuple[WorkspaceSpec | None, str]:
    """The user's part, or None and what is wrong with it."""
    try:
        return parse(workspace), ""
    except ValidationError as error:
        told = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return None, "; ".join(told)


def preset_ref(spec: WorkspaceSpec) -> PresetRef | None:
    if spec.tuning is not None:
        return spec.tuning.preset
    return spec.inference.preset if spec.inference is not None else None


def serves_tuned_model(observed: Observed) -> bool:
    return observed.annotations.get(labels.SERVE_TUNED_MODEL, "").casefold() != "false"


def selector_labels(spec: WorkspaceSpec) -> dict[str, str]:
    """The user's labels, without those that are the controller's own."""
    chosen = spec.resource.label_selector.labels()
    return {k: v for k, v in chosen.items() if k not in labels.RESERVED_SELECTOR_KEYS}


def user_config(spec: WorkspaceSpec) -> str | None:
    part = spec.tuning or spec.inference
    return part.config if part is not None else None


def referenced_secrets(spec: WorkspaceSpec, pushes: bool = True) -> dict[str, str]:
    """Field → name of the Secrets that must be there before anything is made."""
    named: dict[str, str] = {}
    ref = preset_ref(spec)
    if ref is not None:
        where = "tuning.preset" if spec.tuning is not None else "inference.preset"
        named |= _preset_option_secrets(where, ref)
    if spec.tuning is not None and spec.tuning.output.image_push_secret and pushes:
        named["tuning.output.imagePushSecret"] = spec.tuning.output.image_push_secret
    if spec.inference is not None:
        for index, adapter in enumerate(spec.inference.adapters):
            field = f"inference.adapters[{index}].source.imagePullSecrets"
            named |= {f"{field}[{i}]": n for i, n in enumerate(adapter.source.image_pull_secrets)}
    return named


def _preset_option_secrets(where: str, ref: PresetRef) -> dict[str, str]:
    options = ref.preset_options
    field = f"{where}.presetOptions"
    named = {f"{field}.imagePullSecrets[{i}]": n for i, n in enumerate(options.image_pull_secrets)}
    if options.model_access_secret:
        named[f"{field}.modelAccessSecret"] = options.model_access_secret
    return named
