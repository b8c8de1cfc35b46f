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
from workspace_controller.plan.model_source import delivery
from workspace_controller.plan.serving import inference_config
from workspace_controller.plan.sizing import Failure, sizing
from workspace_controller.plan.spec import preset_ref
from workspace_controller.plan.tuning import training_config
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


def problems(observed: Observed) -> tuple[Problem, ...]:
    """Everything that is wrong, the most telling first. What has begun already is not measured
    anew: a release with other data must not stop what runs."""
    if (spec := observed.spec) is None:
        return (Problem(Reason.WORKSPACE_INVALID, "manifest", observed.spec_problem),)
    found = [*_preset(observed, spec), *_file(observed, spec), *_secrets(observed)]
    if not observed.started:
        found += [*_instance_type(observed, spec), *_size(observed, spec)]
    return tuple(found)


def _preset(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    ref = preset_ref(spec)
    if ref is None:
        return
    where = "tuning.preset" if spec.tuning is not None else "inference.preset"
    if observed.preset is None:
        hint = f"did you mean {observed.closest_preset}? " if observed.closest_preset else ""
        message = f"{ref.name!r} is no preset: {hint}docs/reference/presets.md lists all"
        yield Problem(Reason.PRESET_UNKNOWN, f"{where}.name", message)
        return
    options = ref.preset_options
    if (
        observed.preset.access is Access.PRIVATE
        and not options.image
        and not options.model_access_secret
    ):
        yield Problem(
            Reason.WORKSPACE_INVALID,
            f"{where}.presetOptions",
            f"{observed.preset.name} has the license {observed.preset.license}, which forbids "
            "publishing it: set accessMode private and presetOptions.image, or modelAccessSecret",
        )
    elif (
        delivery(observed, ref) is ModelDelivery.HUB
        and observed.preset.gated
        and not (options.model_access_secret)
    ):
        yield Problem(
            Reason.WORKSPACE_INVALID,
            f"{where}.presetOptions.modelAccessSecret",
            f"{observed.preset.hf_id} is gated: name a Secret whose key HF_TOKEN opens it",
        )


def _instance_type(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    field, name = "resource.instanceType", spec.resource.instance_type
    if observed.settings.node_provisioner is NodeProvisioner.BYO:
        if name is not None:
            message = (
                f"{name!r} is set, and nodes are brought along (nodeProvisioner byo): leave it out"
            )
            yield Problem(Reason.INSTANCE_TYPE_FORBIDDEN, field, message)
    elif name is None:
        message = "missing: name the machine type to ask for, for example Standard_NC6s_v3"
        yield Problem(Reason.INSTANCE_TYPE_REQUIRED, field, message)
    elif observed.sku is None and labels.BYPASS_RESOURCE_CHECKS not in observed.annotations:
        near = ", ".join(observed.closest_skus)
        hint = f"did you mean {near}?" if near else "docs/reference/instance-types.md lists all"
        yield Problem(Reason.INSTANCE_TYPE_UNKNOWN, field, f"{name!r} is in no catalogue: {hint}")


def _size(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    found = sizing(observed, spec)
    if isinstance(found, Failure):
        value = spec.resource.instance_type
        message = f"{value!r}: {found.message}" if value else found.message
        yield Problem(found.reason, "resource.instanceType", message)


def _file(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    if observed.file is None:
        return
    field = "tuning.config" if spec.tuning is not None else "inference.config"
    where = f"ConfigMap {observed.file.namespace}/{observed.file.config_map}"
    if observed.file.text is None:
        message = f"{where} does not exist or has no key {observed.file.key}: create it"
        yield Problem(Reason.CONFIG_MAP_MISSING, field, message)
        return
    if spec.tuning is not None:
        failure = training_config.failure(observed.file.text, spec.tuning.method) or ""
    else:
        failure = inference_config.read(observed.file.text).failure
    if failure:
        yield Problem(Reason.CONFIG_INVALID, field, f"{observed.file.key} of {where} {failure}")


def _secrets(observed: Observed) -> Iterator[Problem]:
    for field, fact in observed.secrets.items():
        if fact.keys is None:
            message = f"Secret {observed.owner.namespace}/{fact.name} does not exist: create it"
            yield Problem(Reason.SECRET_MISSING, field, message)
        elif (key := key_needed(field)) not in fact.keys:
            secret = f"Secret {observed.owner.namespace}/{fact.name}"
            message = f"{secret} has no key {key}: create it again with that key"
            yield Problem(Reason.SECRET_MISSING, field, message)


def key_needed(field: str) -> str:
    return "HF_TOKEN" if field.endswith("modelAccessSecret") else ".dockerconfigjson"
