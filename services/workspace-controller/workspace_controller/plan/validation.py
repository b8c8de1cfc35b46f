"""Validates what the CRD's schema cannot: presets, instance types, ConfigMaps and Secrets.

The webhook and every pass apply the same checks. Each problem names the field, its value, and what
to do.
"""

from collections.abc import Iterator

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_api.workspace import WorkspaceSpec
from kaito_presets.preset import Access, Runtime
from kaito_presets.sizing import SizingFailure
from kaito_training.data_access import find_access_problem
from kaito_training.data_urls import find_url_problem, redact_url
from workspace_controller.manifests.tuning_revision import adapter_revision
from workspace_controller.observed import Observed
from workspace_controller.plan.hub_problems import hub_problems, missing_preset
from workspace_controller.plan.model_source import delivery
from workspace_controller.plan.nodes.spending import LIMIT_FIELD, limit_problem
from workspace_controller.plan.problem import Problem
from workspace_controller.plan.serving.engines import inference_config, vllm_pod
from workspace_controller.plan.serving.engines.engine import annotation_problem, engine
from workspace_controller.plan.serving.engines.own_engine import (
    ANNOTATION_FIELD,
    own_engine_problems,
)
from workspace_controller.plan.serving.engines.template_shape import template_problems
from workspace_controller.plan.serving.updates.undo import UNDO_FIELD, undo_problem
from workspace_controller.plan.sizing import sizing
from workspace_controller.plan.spec import (
    ACCESS_SECRET_FIELD,
    TRACKING_SECRET_FIELD,
    TRACKING_VARIABLES,
    preset_ref,
    required_key,
    serves_tuned_model,
)
from workspace_controller.plan.tuning import training_config
from workspace_controller.plan.tuning.nodes import node_problems
from workspace_controller.settings import ModelDelivery, NodeProvisioner


def problems(observed: Observed) -> tuple[Problem, ...]:
    """Every problem, the most informative first.

    The size of what has started is not checked again: a release with other estimates must not
    stop what runs.
    """
    if (spec := observed.spec) is None:
        return (Problem(Reason.WORKSPACE_INVALID, "manifest", observed.spec_problem),)
    found = [
        *_preset_problems(observed, spec),
        *hub_problems(observed, spec),
        *_engine_problems(observed, spec),
        *_undo_problems(observed),
        *_limit_problems(observed),
        *_source_problems(spec),
        *_output_problems(observed, spec),
        *_config_problems(observed, spec),
        *_secret_problems(observed, spec),
        *_volume_claim_problems(observed),
    ]
    if observed.job is None:
        found += node_problems(observed, spec)
    if not observed.started:
        found += [*_instance_type_problems(observed, spec), *_size_problems(observed, spec)]
    return tuple(found)


def _preset_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    ref, preset = preset_ref(spec), observed.preset
    if ref is None:
        return
    field = "tuning.preset" if spec.tuning is not None else "inference.preset"
    if preset is None:
        if (problem := missing_preset(observed, spec, ref)) is not None:
            yield problem
        return
    options = ref.preset_options
    if preset.access is Access.PRIVATE and not options.image and not options.model_access_secret:
        yield Problem(
            Reason.WORKSPACE_INVALID,
            f"{field}.presetOptions",
            f"empty, but the license of {preset.name} ({preset.license}) does not allow publishing "
            "its image: set accessMode private and image, or set modelAccessSecret",
        )
    elif (
        preset.gated
        and not options.model_access_secret
        and delivery(observed, ref) is ModelDelivery.HUB
    ):
        yield Problem(
            Reason.WORKSPACE_INVALID,
            f"{field}.presetOptions.modelAccessSecret",
            f"missing, but {preset.hf_id} is a gated repository: name a Secret whose key HF_TOKEN "
            "holds a token with access to it",
        )


def _undo_problems(observed: Observed) -> Iterator[Problem]:
    if (problem := undo_problem(observed)) is not None:
        yield Problem(Reason.WORKSPACE_INVALID, UNDO_FIELD, problem)


def _limit_problems(observed: Observed) -> Iterator[Problem]:
    if (problem := limit_problem(observed)) is not None:
        yield Problem(Reason.WORKSPACE_INVALID, LIMIT_FIELD, problem)


def _engine_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    template = spec.inference.template if spec.inference is not None else None
    if template is not None:
        # With another form, the engine cannot be looked for.
        shape = tuple(template_problems(template))
        for each in shape or own_engine_problems(observed.annotations, template):
            yield Problem(Reason.WORKSPACE_INVALID, each.field, each.message)
        return
    if preset_ref(spec) is None or observed.preset is None:
        return
    if (problem := annotation_problem(observed, spec)) is not None:
        yield Problem(Reason.WORKSPACE_INVALID, ANNOTATION_FIELD, problem)


def _instance_type_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    field, name = "resource.instanceType", spec.resource.instance_type
    if observed.settings.node_provisioner is NodeProvisioner.BYO:
        if name is not None:
            message = f"{name!r} is set, but nodeProvisioner byo does not request nodes: remove it"
            yield Problem(Reason.INSTANCE_TYPE_FORBIDDEN, field, message)
    elif name is None:
        message = "missing: name the instance type to request, for example Standard_NC6s_v3"
        yield Problem(Reason.INSTANCE_TYPE_REQUIRED, field, message)
    elif observed.sku is None and labels.BYPASS_RESOURCE_CHECKS not in observed.annotations:
        near = ", ".join(observed.closest_skus)
        all_ = "docs/reference/instance-types.md lists all of them"
        hint = f"did you mean {near}?" if near else all_
        message = f"{name!r} is not in the catalog: {hint}"
        yield Problem(Reason.INSTANCE_TYPE_UNKNOWN, field, message)


def _size_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    failure = sizing(observed, spec)
    if isinstance(failure, SizingFailure):
        value = spec.resource.instance_type
        message = f"{value!r}: {failure.message}" if value else failure.message
        yield Problem(failure.reason, "resource.instanceType", message)


def _source_problems(spec: WorkspaceSpec) -> Iterator[Problem]:
    for index, url in enumerate(spec.tuning.input.urls if spec.tuning is not None else ()):
        if (problem := find_url_problem(url)) is not None:
            message = f"{redact_url(url)!r} {problem}"
            yield Problem(Reason.WORKSPACE_INVALID, f"tuning.input.urls[{index}]", message)


def _output_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    """A tag that would move is known here before a second training, and to the pusher after it."""
    tuning, recorded = spec.tuning, observed.status.get("adapter") or {}
    if tuning is None or tuning.output.overwrite or recorded.get("image") != tuning.output.image:
        return
    if tuning.output.image and recorded.get("revision") != adapter_revision(tuning):
        yield Problem(
            Reason.WORKSPACE_INVALID,
            "tuning.output.image",
            f"{tuning.output.image!r} already names the adapter that was tuned before "
            f"({recorded.get('digest') or 'of an unknown digest'}), and a tag is not moved: push "
            "to another tag, or set tuning.output.overwrite",
        )


def _config_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    file = observed.file
    if file is None:
        return
    field = "tuning.config" if spec.tuning is not None else "inference.config"
    config_map = f"ConfigMap {file.namespace}/{file.config_map}"
    if file.text is None:
        message = f"{config_map} does not exist or has no key {file.key}: create it with that key"
        yield Problem(Reason.CONFIG_MAP_MISSING, field, message)
        return
    if spec.tuning is not None:
        serves = serves_tuned_model(observed)
        problem = (
            training_config.find_problem(file.text, spec.tuning.method, serves_adapter=serves) or ""
        )
    else:
        problem = _inference_config_problem(observed, spec, file.text)
    if problem:
        yield Problem(Reason.CONFIG_INVALID, field, f"{file.key} of {config_map} {problem}")


def _inference_config_problem(observed: Observed, spec: WorkspaceSpec, text: str) -> str:
    config = inference_config.parse(text)
    if config.problem or observed.preset is None or engine(observed, spec) is not Runtime.VLLM:
        return config.problem
    return config.vllm_problem or vllm_pod.parallel_problem(observed, spec)


def _secret_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    for field, fact in observed.secrets.items():
        secret = f"Secret {observed.owner.namespace}/{fact.name}"
        if fact.keys is None:
            yield Problem(Reason.SECRET_MISSING, field, f"{secret} does not exist: create it")
        elif field == ACCESS_SECRET_FIELD:
            urls = spec.tuning.input.urls if spec.tuning is not None else []
            if (problem := find_access_problem(urls, fact.keys)) is not None:
                yield Problem(Reason.SECRET_MISSING, field, f"{secret} {problem}")
        elif field == TRACKING_SECRET_FIELD:
            if not fact.keys & TRACKING_VARIABLES:
                names = ", ".join(sorted(TRACKING_VARIABLES))
                message = f"{secret} enables no tracker: add at least one of the keys {names}"
                yield Problem(Reason.SECRET_MISSING, field, message)
        elif (key := required_key(field)) not in fact.keys:
            message = f"{secret} has no key {key}: create it again with that key"
            yield Problem(Reason.SECRET_MISSING, field, message)


def _volume_claim_problems(observed: Observed) -> Iterator[Problem]:
    for field, fact in observed.volume_claims.items():
        if not fact.exists:
            claim = f"PersistentVolumeClaim {observed.owner.namespace}/{fact.name}"
            yield Problem(Reason.VOLUME_CLAIM_MISSING, field, f"{claim} does not exist: create it")
