"""What the built-in scaler has to know of an InferenceSet, and the change that follows."""

from collections.abc import Sequence
from decimal import Decimal

from kaito_api import condition_types, labels
from kaito_api.conditions import find
from kaito_api.inference_set import InferenceSetSpec
from kaito_api.reasons import Reason
from kaito_kube.kinds import annotations_of
from workspace_controller.inference_sets.plan.autoscaling import (
    ScalingInputs,
    ScalingVerdict,
    decide_autoscaling,
)
from workspace_controller.inference_sets.plan.observed import ObservedSet
from workspace_controller.inference_sets.plan.plan import ScaleTo
from workspace_controller.inference_sets.plan.replica import Replica
from workspace_controller.inference_sets.plan.scaling import Hold
from workspace_controller.plan.plan import EmitEvent

# Of InferenceSetReady, while replicas are created as spec.replicas says.
_PROGRESS = (Reason.REPLICAS_READY, Reason.REPLICAS_PENDING, Reason.REPLICAS_FAILED)


def scaling_verdict(
    observed: ObservedSet, spec: InferenceSetSpec, replicas: Sequence[Replica], hold: Hold | None
) -> ScalingVerdict | None:
    """How many replicas there should be; None without `spec.autoscaling`."""
    if spec.autoscaling is None:
        return None
    return decide_autoscaling(
        ScalingInputs(
            autoscaling=spec.autoscaling,
            replicas=spec.replicas,
            present=replicas,
            requests=observed.demand.requests,
            history=observed.demand.history,
            scaled_at=observed.scaled_at,
            now=observed.now,
            price=_replica_price(observed),
            other_scaler=_other_scaler(observed),
            is_blocked=hold is not None or _was_refused(observed),
        )
    )


def decide_scale(
    observed: ObservedSet, spec: InferenceSetSpec, verdict: ScalingVerdict | None
) -> ScaleTo | None:
    """The change of spec.replicas, with the event that says why; None where there is none."""
    if verdict is None or verdict.replicas == spec.replicas:
        return None
    reason = Reason.SCALED_UP if verdict.replicas > spec.replicas else Reason.SCALED_DOWN
    note = f"spec.replicas {spec.replicas} -> {verdict.replicas}: {verdict.why}"
    # To the microsecond: a change must not seem older than it is.
    at = observed.now.isoformat()
    return ScaleTo(verdict.replicas, at, EmitEvent(False, reason, note))


def _replica_price(observed: ObservedSet) -> Decimal | None:
    """None before the first replica knows how many nodes it needs: it may need several."""
    statuses = (workspace.get("status") or {} for workspace in observed.workspaces)
    nodes = [int(count) for status in statuses if (count := status.get("targetNodeCount"))]
    if observed.node_price is None or not nodes:
        return None
    return observed.node_price * max(nodes)


def _other_scaler(observed: ObservedSet) -> str:
    value = annotations_of(observed.manifest).get(labels.KEDA_AUTO_PROVISION)
    if value != "true":
        return ""
    return (
        f"the annotation {labels.KEDA_AUTO_PROVISION}={value} has KAITO's KEDA scaler write "
        "spec.replicas, too: remove the annotation or spec.autoscaling"
    )


def _was_refused(observed: ObservedSet) -> bool:
    """Whether the last pass was not allowed to create what was missing."""
    conditions = observed.status.get("conditions") or ()
    ready = find(conditions, condition_types.INFERENCE_SET_READY) or {}
    return ready.get("reason") not in (None, *_PROGRESS)
