"""How many nodes a tuning Workspace trains on, and what cannot be on several."""

from collections.abc import Iterator

from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning, WorkspaceSpec
from kaito_presets.fit import Fit, tuning_fit
from kaito_presets.preset import TuningMethod
from workspace_controller.manifests.spread import spread_of
from workspace_controller.observed import Observed
from workspace_controller.plan.placement import pod_gpus
from workspace_controller.plan.problem import Problem
from workspace_controller.plan.tuning.adapter import tuned_adapter
from workspace_controller.plan.tuning.job import is_current_job
from workspace_controller.plan.tuning.training_config import is_quantized, trained_alone

_FIELD = "resource.count"
# How a base model takes less memory, by the method.
_QUANTIZED = {"lora": ", or method qlora", "dpo": ", or set QuantizationConfig.load_in_4bit"}
# What a volume has to allow that pods on several nodes mount.
_SHARED = frozenset({"ReadWriteMany"})
_SHARED_READING = frozenset({"ReadWriteMany", "ReadOnlyMany"})


def tuning_nodes(observed: Observed, spec: WorkspaceSpec, tuning: Tuning) -> int:
    """Those of the Job that runs, else resource.count; one once the adapter is there.

    A Job of an earlier release, or of KAITO, trains on one node.
    """
    if tuned_adapter(observed, tuning) is not None or observed.adopted_job is not None:
        return 1
    if observed.job is not None and is_current_job(observed, tuning):
        return spread_of(observed.job).nodes
    return spec.resource.count


def node_problems(observed: Observed, spec: WorkspaceSpec) -> Iterator[Problem]:
    """Why the training cannot be spread over the nodes that resource.count requests."""
    tuning, count = spec.tuning, spec.resource.count
    if tuning is None or count == 1 or tuned_adapter(observed, tuning) is not None:
        return
    for cause, remedy in _obstacles(observed, spec, tuning):
        message = f"{count}: {cause}: {remedy}, or set it to 1"
        yield Problem(Reason.WORKSPACE_INVALID, _FIELD, message)
    yield from _volume_problems(observed, count)


def _obstacles(
    observed: Observed, spec: WorkspaceSpec, tuning: Tuning
) -> Iterator[tuple[str, str]]:
    preset, gpus, file = observed.preset, pod_gpus(observed, spec), observed.file
    text = file.text if file is not None else None
    if text is not None and (alone := trained_alone(text, tuning.method)):
        yield f"{alone}, which trains on one process", "change the key"
    if preset is not None and gpus is not None and gpus.count > 0:
        quantized = is_quantized(text or "")
        method = TuningMethod.of(tuning.method, quantized=quantized)
        fit = tuning_fit(preset, method, gpus)
        if isinstance(fit, Fit) and fit.processes < gpus.count:
            yield (
                f"on several nodes each GPU holds the whole model ({fit.copy_gib:g} GiB), and one "
                f"of {spec.resource.instance_type or gpus.model} has {gpus.memory_gib:g} GiB",
                "use larger GPUs"
                + ("" if method is TuningMethod.QLORA else _QUANTIZED[tuning.method]),
            )


def _volume_problems(observed: Observed, count: int) -> Iterator[Problem]:
    """Each node mounts the volumes of the Workspace."""
    for field, fact in observed.volume_claims.items():
        allowed = _SHARED_READING if field.startswith("tuning.input") else _SHARED
        if field.startswith("tuning.") and fact.access_modes and not fact.access_modes & allowed:
            modes = ", ".join(sorted(fact.access_modes))
            claim = f"PersistentVolumeClaim {observed.owner.namespace}/{fact.name}"
            message = (
                f"{claim} allows {modes}, and {count} nodes mount it: use one that allows "
                f"{' or '.join(sorted(allowed, reverse=True))}, or set {_FIELD} to 1"
            )
            yield Problem(Reason.WORKSPACE_INVALID, field, message)
