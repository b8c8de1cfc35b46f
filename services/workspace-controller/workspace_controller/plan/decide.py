"""decide(observed) -> Plan: what one pass over a Workspace does."""

from collections.abc import Sequence

from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_api.workspace import WorkspaceSpec
from workspace_controller.observed import Observed
from workspace_controller.plan.deletion import decide_deletion
from workspace_controller.plan.hub_model import unpinned_model
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.nodes.release import claims_to_delete
from workspace_controller.plan.nodes.spending import spending_problem
from workspace_controller.plan.nodes.wanted import wanted_nodes, wanted_size
from workspace_controller.plan.nodes.withholding import refused_nodes, unchecked_nodes
from workspace_controller.plan.plan import Action, Finalizer, Plan, earliest
from workspace_controller.plan.problem import Problem
from workspace_controller.plan.serving.network_policy import decide_network_policy
from workspace_controller.plan.serving.service import decide_service
from workspace_controller.plan.serving.start.startup import ask_again_seconds
from workspace_controller.plan.serving.workload import decide_serving, delete_workloads
from workspace_controller.plan.spec import serves_tuned_model
from workspace_controller.plan.status.cost import refresh_seconds
from workspace_controller.plan.status.document import compute_status, invalid_status
from workspace_controller.plan.status.events import events
from workspace_controller.plan.subplans import Subplans
from workspace_controller.plan.tuning.data_check import decide_data_check
from workspace_controller.plan.tuning.network_policy import decide_tuning_policy
from workspace_controller.plan.tuning.phase import Phase
from workspace_controller.plan.tuning.queue import is_queued, queued_nodes
from workspace_controller.plan.tuning.run import TuningPlan, decide_tuning
from workspace_controller.plan.validation import problems

# Secrets and ConfigMaps of users are not watched, so a Workspace that misses one polls for it.
_USER_OBJECTS_REQUEUE_SECONDS = 10.0
# Nodes take minutes, so a pass that requests nodes does nothing else: the next Workspace in the
# queue should not wait for the rest of it. The new claim triggers the next pass; this delay is for
# an informer that misses it.
_NODES_REQUEUE_SECONDS = 5.0
# The status that a pass writes does not trigger the next pass.
_PINNED_REQUEUE_SECONDS = 0.1
# Nothing tells when the hub changes. How often it is really asked is up to the lookup's pauses.
_HUB_REQUEUE_SECONDS = 60.0
# Prices, and what other Workspaces cost, change without a change of this one.
_SPENDING_REQUEUE_SECONDS = 30.0
_OF_THE_HUB = frozenset({Reason.MODEL_UNKNOWN, Reason.MODEL_NOT_SERVED})


def decide(observed: Observed) -> Plan:
    """The plan for what was observed. Total: malformed input becomes a condition."""
    if observed.deleting:
        return decide_deletion(observed)
    if (model := unpinned_model(observed)) is not None:
        # First of all, so that what is planned with is what is served, whatever happens next.
        status = {**observed.status, "model": model}
        return Plan(status=status, requeue_after_seconds=_PINNED_REQUEUE_SECONDS)
    found = problems(observed)
    # What KAITO started runs on, also with a preset that this release does not have.
    if observed.spec is None or (found and observed.adopted_workload is None):
        return _decide_invalid(observed, found)
    return _decide_valid(observed, observed.spec)


def _decide_invalid(observed: Observed, found: Sequence[Problem]) -> Plan:
    """Reports the problems. What runs already continues, and nothing new is started."""
    status = invalid_status(observed, found)
    can_pass = any(not problem.permanent or "config" in problem.field for problem in found)
    return Plan(
        status=status,
        events=events(observed, status),
        requeue_after_seconds=earliest(
            _USER_OBJECTS_REQUEUE_SECONDS if can_pass else None,
            _HUB_REQUEUE_SECONDS if any(p.reason in _OF_THE_HUB for p in found) else None,
            refresh_seconds(status, observed.now),
        ),
    )


def _decide_valid(observed: Observed, spec: WorkspaceSpec) -> Plan:
    size = wanted_size(observed, spec)
    nodes = wanted_nodes(observed, spec, size)
    spending = spending_problem(observed, spec, nodes)
    if spending is not None:
        nodes = refused_nodes(observed, nodes, spending)
    check = decide_data_check(observed, spec, nodes)
    if check is not None and check.holds_nodes:
        nodes = unchecked_nodes(observed, nodes)
    elif spec.tuning is not None and not nodes.withheld and is_queued(observed, spec.tuning):
        nodes = queued_nodes(observed, nodes)
    finalizer: Finalizer = "keep" if labels.WORKSPACE_FINALIZER in _finalizers(observed) else "add"
    if nodes.requests_nodes and observed.refusal is None:
        return Plan(
            finalizer=finalizer,
            actions=(*claims_to_delete(observed.orphaned_claims), *nodes.actions),
            requeue_after_seconds=_NODES_REQUEUE_SECONDS,
            requested_nodes=nodes.target,
        )
    tuning = (
        decide_tuning(observed, spec, spec.tuning, nodes, check)
        if spec.tuning is not None
        else None
    )
    serving = decide_serving(observed, spec, nodes, tuning) if _serves(observed, tuning) else None
    # KAITO's Service leads to its pods by labels that only they have.
    own = observed.adopted_workload is None
    subplans = Subplans(size, nodes, check, tuning, serving)
    status = compute_status(observed, subplans)
    return Plan(
        finalizer=finalizer,
        actions=(
            # First, because the tuning Job needs the GPUs that a workload still holds.
            *(delete_workloads(observed) if serving is None else ()),
            *claims_to_delete(observed.orphaned_claims),
            *(check.actions if check is not None else ()),
            *nodes.actions,
            *nodes.releases,
            *(decide_service(observed, spec, nodes, tuning) if own else ()),
            *(decide_network_policy(observed, spec, nodes) if serving is not None and own else ()),
            *_tuning_policy(observed, tuning, nodes),
            *(tuning.actions if tuning is not None else ()),
            *(serving.actions if serving is not None else ()),
        ),
        pulls=serving.pulls if serving is not None else (),
        status=status,
        events=events(observed, status),
        requeue_after_seconds=earliest(
            *(p.requeue_after_seconds for p in (check, tuning, serving) if p),
            ask_again_seconds(observed, answers=subplans.ready),
            _HUB_REQUEUE_SECONDS if observed.hub_refusal is not None else None,
            _SPENDING_REQUEUE_SECONDS if spending is not None else None,
            refresh_seconds(status, observed.now),
        ),
        turn=serving.turn if serving is not None else None,
    )


def _tuning_policy(
    observed: Observed, tuning: TuningPlan | None, nodes: NodePlan
) -> tuple[Action, ...]:
    if tuning is None:
        return ()
    return decide_tuning_policy(observed, 1 if tuning.phase is Phase.DONE else nodes.target)


def _serves(observed: Observed, tuning: TuningPlan | None) -> bool:
    """A tuning Workspace serves once its adapter exists; until then the run needs its GPUs."""
    return tuning is None or (tuning.phase is Phase.DONE and serves_tuned_model(observed))


def _finalizers(observed: Observed) -> Sequence[str]:
    return observed.workspace["metadata"].get("finalizers") or ()
