"""What the API server's schema cannot tell: looked up, and told with field, value and remedy.

The same checks answer the admission webhook and guard every pass.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kaito_api import labels
from kaito_api.reasons import Reason, is_permanent
from kaito_api.workspace import WorkspaceSpec
from kaito_presets.preset import Access
from workspace_controller.observed import Observed
from workspace_controller.plan import inference_config, training_config
from workspace_controller.plan.model_source import delivery
from workspace_controller.plan.sizing import Misfit, sizing
from workspace_controller.plan.spec import preset_ref
from workspace_controller.settings import ModelDelivery, NodeProvisioner


@dataclass(frozen=True, slots=True)
class Problem:
    reason: Reason
    field: str
    message: str

    @property
    def permanent(self) -> bool:
        return is_permanent(self.reason)

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def problems(o: Observed) -> tuple[Problem, ...]:
    """Everything that is wrong, the most telling first. What has begun already is not measured
    anew: a release with other data must not stop what runs."""
    if (spec := o.spec) is None:
        return (Problem(Reason.WORKSPACE_INVALID, "manifest", o.spec_problem),)
    found = [*_preset(o, spec), *_file(o, spec), *_secrets(o)]
    if not o.started:
        found += [*_instance_type(o, spec), *_size(o, spec)]
    return tuple(found)


def _preset(o: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    ref = preset_ref(spec)
    if ref is None:
        return
    where = "tuning.preset" if spec.tuning is not None else "inference.preset"
    if o.preset is None:
        hint = f"did you mean {o.closest_preset}? " if o.closest_preset else ""
        message = f"{ref.name!r} is no preset: {hint}docs/reference/presets.md lists all"
        yield Problem(Reason.PRESET_UNKNOWN, f"{where}.name", message)
        return
    options = ref.preset_options
    if o.preset.access is Access.PRIVATE and not options.image and not options.model_access_secret:
        yield Problem(
            Reason.WORKSPACE_INVALID,
            f"{where}.presetOptions",
            f"{o.preset.name} is under licence {o.preset.license}, which forbids publishing it: "
            "set accessMode private with an image of yours, or modelAccessSecret",
        )
    elif (
        delivery(o, ref) is ModelDelivery.HUB
        and o.preset.gated
        and not (options.model_access_secret)
    ):
        yield Problem(
            Reason.WORKSPACE_INVALID,
            f"{where}.presetOptions.modelAccessSecret",
            f"{o.preset.hf_id} is gated: name a Secret whose key HF_TOKEN opens it",
        )


def _instance_type(o: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    field, name = "resource.instanceType", spec.resource.instance_type
    if o.settings.node_provisioner is NodeProvisioner.BYO:
        if name is not None:
            message = (
                f"{name!r} is set, and nodes are brought along (nodeProvisioner byo): leave it out"
            )
            yield Problem(Reason.INSTANCE_TYPE_FORBIDDEN, field, message)
    elif name is None:
        message = "missing: name the machine type to ask for, for example Standard_NC6s_v3"
        yield Problem(Reason.INSTANCE_TYPE_REQUIRED, field, message)
    elif o.sku is None and labels.BYPASS_RESOURCE_CHECKS not in o.annotations:
        near = ", ".join(o.closest_skus)
        hint = f"did you mean {near}?" if near else "docs/reference/instance-types.md lists all"
        yield Problem(Reason.INSTANCE_TYPE_UNKNOWN, field, f"{name!r} is in no catalogue: {hint}")


def _size(o: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    found = sizing(o, spec)
    if isinstance(found, Misfit):
        value = spec.resource.instance_type
        message = f"{value!r}: {found.message}" if value else found.message
        yield Problem(found.reason, "resource.instanceType", message)


def _file(o: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    if o.file is None:
        return
    field = "tuning.config" if spec.tuning is not None else "inference.config"
    where = f"ConfigMap {o.file.namespace}/{o.file.config_map}"
    if o.file.text is None:
        message = f"{where} does not exist or has no key {o.file.key}: create it"
        yield Problem(Reason.CONFIG_MAP_MISSING, field, message)
        return
    if spec.tuning is not None:
        trouble = training_config.trouble(o.file.text, spec.tuning.method) or ""
    else:
        trouble = inference_config.read(o.file.text).trouble
    if trouble:
        yield Problem(Reason.CONFIG_INVALID, field, f"{o.file.key} of {where} {trouble}")


def _secrets(o: Observed) -> Iterator[Problem]:
    for field, fact in o.secrets.items():
        if fact.keys is None:
            message = f"Secret {o.owner.namespace}/{fact.name} does not exist: create it"
            yield Problem(Reason.SECRET_MISSING, field, message)
        elif (key := key_needed(field)) not in fact.keys:
            message = f"Secret {o.owner.namespace}/{fact.name} has no key {key}: create it anew"
            yield Problem(Reason.SECRET_MISSING, field, message)


def key_needed(field: str) -> str:
    return "HF_TOKEN" if field.endswith("modelAccessSecret") else ".dockerconfigjson"
