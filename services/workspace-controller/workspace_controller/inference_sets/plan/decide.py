"""decide(observed) -> SetPlan: what one pass over an InferenceSet does."""

from dataclasses import replace

from kaito_api import labels
from kaito_api.inference_set import InferenceSetSpec
from kaito_api.reasons import Reason
from kaito_kube.kinds import WORKSPACE
from workspace_controller.inference_sets.plan import manifests
from workspace_controller.inference_sets.plan.demanded_scale import (
    decide_scale,
    scaling_verdict,
)
from workspace_controller.inference_sets.plan.observed import ObservedSet
from workspace_controller.inference_sets.plan.plan import SetPlan
from workspace_controller.inference_sets.plan.scaling import Scaling, decide_scaling
from workspace_controller.inference_sets.plan.service import decide_service, service_refusal
from workspace_controller.inference_sets.plan.status import compute_status, events, invalid_status
from workspace_controller.plan.plan import EmitEvent

# The set's Service is not watched, and is looked at in each pass.
_SERVICE_REQUEUE_SECONDS = 300.0


def decide(observed: ObservedSet) -> SetPlan:
    """The plan for what was observed. Total: malformed input becomes a condition."""
    if observed.deleting:
        return _decide_deletion(observed)
    spec = observed.spec
    if isinstance(spec, str):
        status = invalid_status(observed, spec)
        return SetPlan(status=status, events=events(observed, status))
    return _decide_valid(observed, spec)


def _decide_deletion(observed: ObservedSet) -> SetPlan:
    """Kubernetes deletes the Workspaces with their owner, and each of them releases its nodes.

    KAITO's finalizer is taken off, because its controller, which would do it, is gone.
    """
    before = observed.manifest["metadata"].get("finalizers") or ()
    after = tuple(each for each in before if each != labels.KAITO_SET_FINALIZER)
    return SetPlan(finalizers=after if len(after) != len(before) else None)


def _decide_valid(observed: ObservedSet, spec: InferenceSetSpec) -> SetPlan:
    hash_ = manifests.template_hash(spec)
    # What KAITO created is taken over as it is: the next change of the template reaches it.
    adopted = tuple(r.name for r in observed.replicas if not r.template_hash and not r.deleting)
    replicas = tuple(
        replace(r, template_hash=hash_) if r.name in adopted else r for r in observed.replicas
    )
    scaling = decide_scaling(spec, replicas, hash_)
    if observed.refusal is None:
        observed = replace(observed, refusal=service_refusal(observed))
    verdict = scaling_verdict(observed, spec, replicas, scaling.hold)
    condition = verdict.condition if verdict is not None else None
    status = compute_status(observed, spec, replicas, hash_, scaling.hold, condition)
    scale = decide_scale(observed, spec, verdict)
    if scale is not None and scale.replicas < spec.replicas:
        # Nothing is created only to be deleted by the next pass: its nodes would be requested.
        scaling = replace(scaling, creates=0)
    names, foreign = _names(observed, hash_, scaling)
    remaining = [replica for replica in replicas if replica.name not in scaling.deletes]
    return SetPlan(
        scale=scale,
        adopts=tuple((name, hash_) for name in adopted),
        creates=tuple(manifests.workspace(observed.manifest, name, hash_) for name in names),
        deletes=scaling.deletes,
        service=decide_service(observed, spec, remaining),
        status=status,
        events=(*events(observed, status), *foreign),
        requeue_after_seconds=_SERVICE_REQUEUE_SECONDS,
    )


def _names(
    observed: ObservedSet, hash_: str, scaling: Scaling
) -> tuple[tuple[str, ...], tuple[EmitEvent, ...]]:
    """The names of new Workspaces, and an event for each that somebody else's has."""
    taken = {w["metadata"]["name"] for w in observed.neighbors}
    own = {w["metadata"]["name"] for w in observed.workspaces}
    names = manifests.replica_names(observed.manifest, hash_, scaling.creates, taken)
    first = manifests.replica_names(observed.manifest, hash_, scaling.creates, own)
    namespace = observed.manifest["metadata"]["namespace"]
    return names, tuple(
        EmitEvent(
            True,
            Reason.NAME_TAKEN,
            f"{WORKSPACE} {namespace}/{name} exists and does not belong to this InferenceSet: it "
            "is left alone, and another name is used",
        )
        for name in first
        if name not in names
    )
