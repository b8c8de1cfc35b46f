"""Decides about the workload that serves a model.

It is a Deployment, or a StatefulSet where a model spans nodes.
"""

from dataclasses import dataclass, replace

from kaito_api import condition_types
from kaito_api.conditions import Condition, false
from kaito_api.reasons import Reason
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import DEPLOYMENT, STATEFUL_SET, Kind, Manifest, is_being_deleted
from workspace_controller.manifests.workload import updated
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.plan import Action, Apply, Delete, PullAdapters, Turn, earliest
from workspace_controller.plan.pods.forbidden import LOOK_AGAIN_SECONDS
from workspace_controller.plan.serving.adapters.pulled_adapters import decide_pulls
from workspace_controller.plan.serving.adapters.served import adapter_pods
from workspace_controller.plan.serving.adopted import LOOK_AGAIN_SECONDS as LOOK_AT_ADOPTED_SECONDS
from workspace_controller.plan.serving.adopted import adopted_condition
from workspace_controller.plan.serving.group import pods_without_leader
from workspace_controller.plan.serving.health import (
    Health,
    downloading_pods,
    serving_health,
    serving_pods,
)
from workspace_controller.plan.serving.inference_condition import (
    InferenceFacts,
    inference_condition,
)
from workspace_controller.plan.serving.updates.revisions import record, undo_status
from workspace_controller.plan.serving.updates.room import holds_two
from workspace_controller.plan.serving.updates.undo import undo_of, undone_workload
from workspace_controller.plan.serving.updates.update import (
    Change,
    Situation,
    Update,
    change_of,
    decide_update,
    is_marked,
)
from workspace_controller.plan.serving.wanted_workload import same_inputs, wanted_workload
from workspace_controller.plan.serving.workload_state import (
    WorkloadState,
    replicas_of,
    workload_state,
)
from workspace_controller.plan.tuning.run import TuningPlan

# A pod that is ready answers; until it does, nobody waits for the list of its adapters.
_ASK_AGAIN_SECONDS = 30.0
# How often the status shows a download's progress; no object changes meanwhile.
_DOWNLOAD_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingPlan:
    """`condition` is InferenceReady, `revision` a field of the Workspace's status."""

    actions: tuple[Action, ...] = ()
    pulls: tuple[PullAdapters, ...] = ()
    condition: Condition
    failed: bool = False
    requeue_after_seconds: float | None = None
    turn: Turn | None = None
    revision: Manifest | None = None


def decide_serving(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> ServingPlan:
    """`tuning` is None for an inference Workspace; otherwise its adapter must be produced."""
    if (adopted := observed.adopted_workload) is not None:
        condition = adopted_condition(observed, adopted)
        again = None if condition.is_true else LOOK_AT_ADOPTED_SECONDS
        return ServingPlan(condition=condition, requeue_after_seconds=again)
    # A workload that exists is updated even while one of its nodes is missing.
    if observed.workload is None and not nodes.ready:
        return ServingPlan(condition=_pending(nodes), revision=undo_status(observed))
    kind, wanted = _wanted(observed, spec, nodes, tuning)
    if wanted is None:
        return ServingPlan(condition=_pending(nodes), revision=undo_status(observed))
    present = observed.deployment if kind is DEPLOYMENT else observed.stateful_set
    stale = (action for action in delete_workloads(observed) if action.kind is not kind)
    others = (*stale, *pods_without_leader(observed))
    if present is None:
        # Creates the workload once the nodes are ready; updates it whether or not they are. One
        # that the store does not have yet may serve, and be updated only in its turn.
        first = updated(wanted, surge=False, updating=False)
        creation = Apply(kind, first, verify_owner=True, keep_present=True)
        create = (creation,) if nodes.ready else ()
        actions = (*others, *create)
        revision = undo_status(observed)
        return ServingPlan(actions=actions, condition=_pending(nodes), revision=revision)
    if is_being_deleted(present):
        revision = undo_status(observed)
        return ServingPlan(actions=others, condition=_pending(nodes), revision=revision)
    pulling = decide_pulls(observed, spec)
    # An undo is the user's change, whatever earlier releases have written.
    undone = undone_workload(observed, undo_of(observed)) is not None
    same = frozenset[str]() if undone else same_inputs(observed, spec, nodes, tuning)
    plan = _decide_present(observed, nodes, kind, wanted, present, others, same)
    again = earliest(plan.requeue_after_seconds, pulling.requeue_after_seconds)
    return replace(plan, pulls=pulling.pulls, requeue_after_seconds=again)


def _wanted(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan, tuning: TuningPlan | None
) -> tuple[Kind, Manifest | None]:
    """What the annotation goes back to, or else what Workspace and release make now."""
    undone = undone_workload(observed, undo_of(observed))
    return undone or wanted_workload(observed, spec, nodes, tuning)


def delete_workloads(observed: Observed) -> tuple[Delete, ...]:
    """Deletes every workload of the Workspace, so that its GPUs become free."""
    adopted = observed.adopted_workload
    present = [(DEPLOYMENT, observed.deployment), (STATEFUL_SET, observed.stateful_set)]
    present += [(adopted.kind, adopted.manifest)] if adopted is not None else []
    return tuple(
        Delete(kind, observed.owner.name, observed.owner.namespace)
        for kind, manifest in present
        if manifest is not None and not is_being_deleted(manifest)
    )


def not_served_condition() -> Condition:
    message = (
        'the annotation kaito.sh/serve-tuned-model is "false": remove it to serve the tuned model'
    )
    return false(condition_types.INFERENCE_READY, Reason.NOT_SERVED, message)


def waiting_for_adapter() -> Condition:
    message = "waiting for the tuning run to produce the adapter"
    return false(condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, message)


def _decide_present(
    observed: Observed,
    nodes: NodePlan,
    kind: Kind,
    wanted: Manifest,
    present: Manifest,
    others: tuple[Action, ...],
    same: frozenset[str],
) -> ServingPlan:
    recorded = record(observed, kind, present, wanted)
    others = (*others, *recorded.actions)
    health = serving_health(observed, present)
    failure = health.failure
    state = workload_state(present, failing=failure is not None)
    if health.unproven and state is WorkloadState.COMPLETE:
        # Without a readiness probe a pod is ready as soon as it runs, and again at each restart.
        state = WorkloadState.FAILED
    if health.lacks_room and state is WorkloadState.ANSWERING:
        # The new pod gets its room when the old one has ended.
        failure = None
    change, marked = change_of(present, wanted, same), is_marked(present)
    update = decide_update(
        Situation(change=change, state=state, marked=marked, other=observed.other_update)
    )
    surge = not health.lacks_room and _has_room(observed, nodes, wanted)
    actions = others
    if update in (Update.APPLY, Update.TAKE_TURN):
        applied = updated(wanted, surge=surge, updating=update is Update.TAKE_TURN)
        actions = (*others, Apply(kind, applied, verify_owner=False))
    elif update is Update.KEEP and health.lacks_room and _surges(present) and state.answers:
        # The node was fuller than its Node says: the old pod has to end first after all.
        applied = updated(wanted, surge=False, updating=marked)
        actions = (*others, Apply(kind, applied, verify_owner=False))
    facts = InferenceFacts(
        state=state,
        changed=change in (Change.OWN, Change.CONFIGURATION),
        surges=surge,
        update=update,
        marked=marked,
        failure=failure,
        other=observed.other_update,
    )
    condition = inference_condition(observed, facts)
    return ServingPlan(
        actions=actions,
        condition=condition,
        failed=failure is not None and failure.permanent and not condition.is_true,
        requeue_after_seconds=_requeue_after_seconds(observed, present, health, condition),
        turn=_turn(update, change),
        revision=recorded.status,
    )


def _turn(update: Update, change: Change) -> Turn | None:
    if update is Update.WAIT:
        return Turn.WAITS
    return Turn.TAKES if update is Update.TAKE_TURN and change is Change.CONFIGURATION else None


def _surges(workload: Manifest) -> bool:
    return bool(workload["spec"].get("strategy", {}).get("type") == "RollingUpdate")


def _has_room(observed: Observed, nodes: NodePlan, wanted: Manifest) -> bool:
    usable = [node for node in observed.nodes if node["metadata"]["name"] in nodes.usable]
    return holds_two(usable, wanted["spec"]["template"]["spec"], observed.preset)


def _requeue_after_seconds(
    observed: Observed, present: Manifest, health: Health, condition: Condition
) -> float | None:
    if condition.is_true:
        unanswered = adapter_pods(observed) and observed.rejected_adapters is None
        return earliest(health.requeue_after_seconds, _ASK_AGAIN_SECONDS if unanswered else None)
    pods = serving_pods(observed)
    downloads = bool(downloading_pods(observed))
    lacks = present is observed.stateful_set and len(pods) < (replicas_of(present) or 0)
    return earliest(
        health.requeue_after_seconds,
        LOOK_AGAIN_SECONDS if lacks else None,
        _DOWNLOAD_SECONDS if downloads else None,
    )


def _pending(nodes: NodePlan) -> Condition:
    message = "creating the workload" if nodes.ready else "waiting for the nodes"
    return false(condition_types.INFERENCE_READY, Reason.INFERENCE_PENDING, message)
