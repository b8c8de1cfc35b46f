"""decide(observed) -> Plan: the whole controller as a function."""

from collections.abc import Sequence

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from workspace_controller.observed import Observed
from workspace_controller.plan.deletion import decide_deletion
from workspace_controller.plan.events import events
from workspace_controller.plan.node_release import given_back, released
from workspace_controller.plan.nodes import Nodes, decide_nodes
from workspace_controller.plan.parts import Parts
from workspace_controller.plan.plan import Finalizer, Plan, soonest
from workspace_controller.plan.service import decide_exposing
from workspace_controller.plan.serving import decide_serving, stop
from workspace_controller.plan.sizing import Misfit, Sizing, sizing
from workspace_controller.plan.spec import serves_tuned_model
from workspace_controller.plan.status import of_parts, of_problems
from workspace_controller.plan.tuned_adapter import tuned_adapter
from workspace_controller.plan.tuning import Phase, TuningState, decide_tuning
from workspace_controller.plan.validation import Problem, problems

# Objects of the user are not watched: what waits for one looks again.
_USER_OBJECTS_S = 10.0
# Nodes take minutes, so they are asked for first and alone: whoever waits behind does not wait for
# the rest too. What was asked for wakes the Workspace again; this is for the case that it does not.
_ASKED_S = 5.0


def decide(o: Observed) -> Plan:
    """What the moment asks for. Total: odd input becomes a condition."""
    if o.deleting:
        return decide_deletion(o)
    found = problems(o)
    if o.spec is None or found:
        return _wrong(o, found)
    return _right(o, o.spec)


def _wrong(o: Observed, found: Sequence[Problem]) -> Plan:
    """Touches nothing: what runs goes on, and what does not is not begun."""
    told = of_problems(o, found)
    waits = any(not problem.permanent or "config" in problem.field for problem in found)
    return Plan(
        status=told,
        events=events(o, told),
        requeue_after=_USER_OBJECTS_S if waits else None,
    )


def _right(o: Observed, spec: WorkspaceSpec) -> Plan:
    size = _size(o, spec)
    nodes = _nodes(o, spec, size)
    finalizer: Finalizer = "keep" if labels.WORKSPACE_FINALIZER in _finalizers(o) else "add"
    if nodes.asks and o.refusal is None:
        return Plan(
            finalizer=finalizer,
            steps=(*given_back(o.strangers), *nodes.steps),
            requeue_after=_ASKED_S,
        )
    tuning = decide_tuning(o, spec, spec.tuning, nodes) if spec.tuning is not None else None
    serving = decide_serving(o, spec, nodes, tuning) if _serves(o, tuning) else None
    parts = Parts(size, nodes, tuning, serving)
    told = of_parts(o, parts)
    return Plan(
        finalizer=finalizer,
        steps=(
            *(stop(o) if serving is None else ()),
            *given_back(o.strangers),
            *nodes.steps,
            *decide_exposing(o, spec, nodes, tuning),
            *(tuning.steps if tuning is not None else ()),
            *(serving.steps if serving is not None else ()),
        ),
        status=told,
        events=events(o, told),
        requeue_after=soonest(*(p.requeue_after for p in (tuning, serving) if p)),
    )


def _size(o: Observed, spec: WorkspaceSpec) -> Sizing:
    """As it was decided when nodes were first asked for; later data must not ask for more."""
    found = sizing(o, spec)
    before = o.status.get("targetNodeCount")
    if isinstance(found, Misfit):
        return Sizing(before or 1)
    return Sizing(before, found.estimate) if before and o.started else found


def _nodes(o: Observed, spec: WorkspaceSpec, size: Sizing) -> Nodes:
    done = spec.tuning is not None and tuned_adapter(o, spec.tuning) is not None
    if done and not serves_tuned_model(o):
        return released(o, size.nodes)
    return decide_nodes(o, spec, size.nodes)


def _serves(o: Observed, tuning: TuningState | None) -> bool:
    """A tuning Workspace serves when its adapter is there; its GPU trains until then."""
    return tuning is None or (tuning.phase is Phase.DONE and serves_tuned_model(o))


def _finalizers(o: Observed) -> Sequence[str]:
    return o.workspace["metadata"].get("finalizers") or ()
