"""decide(observed) -> Plan: the whole controller as a function."""

from collections.abc import Sequence

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from workspace_controller.observed import Observed
from workspace_controller.plan.deletion import decide_deletion
from workspace_controller.plan.nodes.provisioning import NodePlan, decide_nodes
from workspace_controller.plan.nodes.release import claims_to_delete, released_nodes
from workspace_controller.plan.plan import Finalizer, Plan, earliest
from workspace_controller.plan.serving.service import decide_service
from workspace_controller.plan.serving.workload import decide_serving, delete_workloads
from workspace_controller.plan.sizing import Failure, Sizing, sizing
from workspace_controller.plan.spec import serves_tuned_model
from workspace_controller.plan.status.document import compute_status, invalid_status
from workspace_controller.plan.status.events import events
from workspace_controller.plan.subplans import Subplans
from workspace_controller.plan.tuning.adapter import tuned_adapter
from workspace_controller.plan.tuning.run import Phase, TuningPlan, decide_tuning
from workspace_controller.plan.validation import Problem, problems

# Objects of the user are not watched: what waits for one looks again.
_USER_OBJECTS_REQUEUE_SECONDS = 10.0
# Nodes take minutes, so they are asked for first and alone: whoever waits behind does not wait for
# the rest too. What was asked for wakes the Workspace again; this is for the case that it does not.
_NODES_REQUEUE_SECONDS = 5.0


def decide(observed: Observed) -> Plan:
    """What the moment asks for. Total: odd input becomes a condition."""
    if observed.deleting:
        return decide_deletion(observed)
    found = problems(observed)
    if observed.spec is None or found:
        return _wrong(observed, found)
    return _right(observed, observed.spec)


def _wrong(observed: Observed, found: Sequence[Problem]) -> Plan:
    """Touches nothing: what runs goes on, and what does not is not begun."""
    told = invalid_status(observed, found)
    waits = any(not problem.permanent or "config" in problem.field for problem in found)
    return Plan(
        status=told,
        events=events(observed, told),
        requeue_after_seconds=_USER_OBJECTS_REQUEUE_SECONDS if waits else None,
    )


def _right(observed: Observed, spec: WorkspaceSpec) -> Plan:
    size = _size(observed, spec)
    nodes = _nodes(observed, spec, size)
    finalizer: Finalizer = "keep" if labels.WORKSPACE_FINALIZER in _finalizers(observed) else "add"
    if nodes.requests_nodes and observed.refusal is None:
        return Plan(
            finalizer=finalizer,
            actions=(*claims_to_delete(observed.orphaned_claims), *nodes.actions),
            requeue_after_seconds=_NODES_REQUEUE_SECONDS,
        )
    tuning = decide_tuning(observed, spec, spec.tuning, nodes) if spec.tuning is not None else None
    serving = decide_serving(observed, spec, nodes, tuning) if _serves(observed, tuning) else None
    subplans = Subplans(size, nodes, tuning, serving)
    told = compute_status(observed, subplans)
    return Plan(
        finalizer=finalizer,
        actions=(
            *(delete_workloads(observed) if serving is None else ()),
            *claims_to_delete(observed.orphaned_claims),
            *nodes.actions,
            *decide_service(observed, spec, nodes, tuning),
            *(tuning.actions if tuning is not None else ()),
            *(serving.actions if serving is not None else ()),
        ),
        status=told,
        events=events(observed, told),
        requeue_after_seconds=earliest(*(p.requeue_after_seconds for p in (tuning, serving) if p)),
    )


def _size(observed: Observed, spec: WorkspaceSpec) -> Sizing:
    """As it was decided when nodes were first asked for; later data must not ask for more."""
    found = sizing(observed, spec)
    before = observed.status.get("targetNodeCount")
    if isinstance(found, Failure):
        return Sizing(before or 1)
    return Sizing(before, found.estimate) if before and observed.started else found


def _nodes(observed: Observed, spec: WorkspaceSpec, size: Sizing) -> NodePlan:
    done = spec.tuning is not None and tuned_adapter(observed, spec.tuning) is not None
    if done and not serves_tuned_model(observed):
        return released_nodes(observed, size.nodes)
    return decide_nodes(observed, spec, size.nodes)


def _serves(observed: Observed, tuning: TuningPlan | None) -> bool:
    """A tuning Workspace serves when its adapter is there; its GPU trains until then."""
    return tuning is None or (tuning.phase is Phase.DONE and serves_tuned_model(observed))


def _finalizers(observed: Observed) -> Sequence[str]:
    return observed.workspace["metadata"].get("finalizers") or ()
