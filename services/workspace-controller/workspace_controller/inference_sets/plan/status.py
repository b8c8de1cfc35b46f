"""The complete status of an InferenceSet, and the events that its changes emit."""

from collections.abc import Sequence

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, find, merge, true
from kaito_api.inference_set import InferenceSetSpec
from kaito_api.inference_set_status import ReplicaStatus
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.inference_sets.plan.manifests import pod_selector
from workspace_controller.inference_sets.plan.observed import ObservedSet
from workspace_controller.inference_sets.plan.replica import Replica
from workspace_controller.inference_sets.plan.scaling import Hold
from workspace_controller.plan.plan import EmitEvent

# They say that something goes on as it should.
_NORMAL = frozenset(
    {
        Reason.REPLICAS_READY,
        Reason.REPLICAS_PENDING,
        Reason.ROLLED_OUT,
        Reason.ROLLING_OUT,
        Reason.ROLL_OUT_HELD,
        Reason.DEMAND_FOLLOWED,
        Reason.AUTOSCALING_PAUSED,
    }
)
# A set of a thousand replicas must not become an object that etcd refuses.
_MAX_WORKSPACES = 100
_MAX_REPLICA_MESSAGE = 256


def compute_status(
    observed: ObservedSet,
    spec: InferenceSetSpec,
    replicas: Sequence[Replica],
    hash_: str,
    hold: Hold | None,
    scaling: Condition | None = None,
) -> Manifest:
    alive = [replica for replica in replicas if not replica.deleting]
    conditions = (
        _ready_condition(observed, spec, alive, hold),
        _rolled_out_condition(spec, alive, hash_, hold),
        *([scaling] if scaling is not None else []),
    )
    return {
        "replicas": len(alive),
        "readyReplicas": sum(replica.serving for replica in alive),
        "updatedReplicas": sum(replica.template_hash == hash_ for replica in alive),
        "selector": pod_selector(observed.manifest),
        "nodes": sum(replica.nodes for replica in alive),
        "templateHash": hash_,
        "workspaces": [_replica_status(r, hash_) for r in replicas[:_MAX_WORKSPACES]],
        **_with_conditions(observed, conditions),
    }


def invalid_status(observed: ObservedSet, problem: str) -> Manifest:
    """What is known stays: the Workspaces serve on."""
    conditions = tuple(
        false(type_, Reason.INFERENCE_SET_INVALID, f"spec.{problem}")
        for type_ in (condition_types.INFERENCE_SET_READY, condition_types.ROLLED_OUT)
    )
    return {**observed.status, **_with_conditions(observed, conditions)}


def events(observed: ObservedSet, status: Manifest) -> tuple[EmitEvent, ...]:
    """One event for each condition whose status or reason changed."""
    found: list[EmitEvent] = []
    for condition in status["conditions"]:
        type_, reason = condition["type"], condition["reason"]
        before = find(observed.status.get("conditions") or (), type_) or {}
        if (before.get("status"), before.get("reason")) != (condition["status"], reason):
            note = f"{type_}={condition['status']}: {condition['message']}"
            found.append(EmitEvent(reason not in _NORMAL, reason, note))
    return tuple(found)


def _ready_condition(
    observed: ObservedSet, spec: InferenceSetSpec, alive: Sequence[Replica], hold: Hold | None
) -> Condition:
    type_, serving = condition_types.INFERENCE_SET_READY, sum(r.serving for r in alive)
    count = f"{serving} of {spec.replicas} replicas serve"
    if observed.refusal is not None:
        return false(type_, observed.refusal.reason, f"{observed.refusal.message} ({count})")
    if serving >= spec.replicas:
        return true(type_, Reason.REPLICAS_READY, count)
    if hold is not None and hold.reason is Reason.NODE_COUNT_LIMIT_REACHED:
        return false(type_, hold.reason, f"{count}; {hold.message}")
    failed = next((replica for replica in alive if replica.failed), None)
    if failed is not None:
        return false(type_, Reason.REPLICAS_FAILED, f"{count}; {_why(failed)}")
    waiting = next((replica for replica in alive if not replica.serving), None)
    why = _why(waiting) if waiting is not None else "the missing ones are being created"
    return false(type_, Reason.REPLICAS_PENDING, f"{count}; {why}")


def _rolled_out_condition(
    spec: InferenceSetSpec, alive: Sequence[Replica], hash_: str, hold: Hold | None
) -> Condition:
    type_ = condition_types.ROLLED_OUT
    outdated = [replica for replica in alive if replica.template_hash != hash_]
    count = f"{len(alive) - len(outdated)} of {len(alive)} replicas have the present template"
    if not outdated:
        return true(type_, Reason.ROLLED_OUT, count)
    if hold is not None:
        return false(type_, hold.reason, f"{count}; {hold.message}")
    strategy = spec.update_strategy
    if strategy.type == "OnDelete":
        why = "updateStrategy.type=OnDelete: delete a Workspace to replace it"
        return false(type_, Reason.ROLL_OUT_HELD, f"{count}; {why}")
    partition = strategy.rolling_update.partition or 0
    if len(outdated) <= partition:
        why = f"updateStrategy.rollingUpdate.partition={partition} keeps the others"
        return false(type_, Reason.ROLL_OUT_HELD, f"{count}; {why}")
    starting = next((r for r in alive if r.template_hash == hash_ and not r.serving), None)
    why = f"; {_why(starting)}" if starting is not None else ""
    return false(type_, Reason.ROLLING_OUT, f"{count}{why}")


def _why(replica: Replica) -> str:
    return f"{replica.name}: {replica.message or replica.state}"


def _replica_status(replica: Replica, hash_: str) -> Manifest:
    return ReplicaStatus(
        name=replica.name,
        state="Deleting" if replica.deleting else replica.state,
        ready=replica.serving,
        updated=replica.template_hash == hash_,
        message=replica.message[:_MAX_REPLICA_MESSAGE] or None,
    ).model_dump(by_alias=True, exclude_none=True)


def _with_conditions(observed: ObservedSet, conditions: Sequence[Condition]) -> Manifest:
    generation = int(observed.manifest["metadata"].get("generation", 0))
    before = observed.status.get("conditions") or ()
    return {
        "conditions": merge(before, conditions, observed.now, generation),
        "observedGeneration": generation,
    }
