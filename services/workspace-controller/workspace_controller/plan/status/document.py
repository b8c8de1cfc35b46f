"""Computes the complete status of a Workspace. It is never edited in part."""

from collections.abc import Sequence
from typing import Any

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, merge
from kaito_api.status import EstimateStatus, State
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.cost import cost_per_hour
from workspace_controller.plan.problem import Problem
from workspace_controller.plan.serving.adapters.pulled_adapters import (
    adapter_reports,
    adapter_status_of,
)
from workspace_controller.plan.serving.adapters.served import pulls
from workspace_controller.plan.serving.engines.engine import serving_engine
from workspace_controller.plan.serving.engines.own_engine import own_engine
from workspace_controller.plan.serving.start.startup import performance_status, startup_status
from workspace_controller.plan.status.cost import cost_status
from workspace_controller.plan.status.progress import eta_of, progress_of, state_of
from workspace_controller.plan.status.spot import spot_status
from workspace_controller.plan.status.summary_conditions import (
    summary_conditions,
    unfinished_conditions,
)
from workspace_controller.plan.status.tuning import adapter_status, tuning_status
from workspace_controller.plan.subplans import Subplans


def compute_status(observed: Observed, subplans: Subplans) -> Manifest:
    """The status of a valid Workspace."""
    conditions = _with_refusal(subplans.conditions, observed)
    nodes = subplans.nodes
    return _status(
        observed,
        (*conditions, *summary_conditions(conditions, subplans)),
        state=state_of(observed, subplans).value,
        workerNodes=list(nodes.workers) or None,
        targetNodeCount=nodes.target,
        nodes=f"{len(nodes.usable)}/{nodes.target}",
        progress=progress_of(observed, subplans),
        eta=eta_of(observed, subplans),
        costPerHour=(
            None if subplans.done or subplans.holds_nodes else cost_per_hour(observed, nodes.target)
        ),
        spot=spot_status(observed, nodes),
        estimate=_dump(subplans.sizing.estimate) or observed.status.get("estimate"),
        tuning=tuning_status(observed, subplans.tuning),
        adapter=adapter_status(subplans.tuning),
        adapters=_adapters(observed) if subplans.serving is not None else None,
        engine=_engine(observed) if subplans.serving is not None else None,
        revision=subplans.serving.revision if subplans.serving is not None else None,
        startup=startup_status(observed, answers=subplans.ready),
        performance=performance_status(observed, answers=subplans.ready),
    )


def invalid_status(observed: Observed, problems: Sequence[Problem]) -> Manifest:
    """The status of a Workspace with problems; what runs already keeps the rest of its status."""
    text = "; ".join(str(problem) for problem in problems)
    # The first problem is the most informative one: its reason stands for all.
    resource = false(condition_types.RESOURCE_READY, problems[0].reason, text)
    if observed.started and observed.condition(condition_types.WORKSPACE_READY):
        return _with_condition(observed, resource)
    permanent = any(problem.permanent for problem in problems)
    summary = unfinished_conditions(permanent, f"{condition_types.RESOURCE_READY}: {text}")
    state = State.FAILED if permanent else State.PENDING
    return _status(observed, (resource, *summary), state=state.value)


def deleting_status(observed: Observed, deleting: Condition) -> Manifest:
    """The previous status with WorkspaceDeleting, and without progress."""
    status = _with_condition(observed, deleting)
    kept = {key: value for key, value in status.items() if key not in ("progress", "eta")}
    return {**kept, "state": State.DELETING.value}


def _adapters(observed: Observed) -> list[Manifest] | None:
    """What became of each adapter that is pulled; what was known while no pod says so."""
    if observed.spec is None:
        return None
    reports = adapter_reports(observed, observed.spec)
    if reports is None:
        template = ((observed.workload or {}).get("spec") or {}).get("template")
        # Pods that mount adapters never say anything of those that earlier ones have pulled.
        may_say = template is None or pulls(template)
        return observed.status.get("adapters") if may_say else None
    return [adapter_status_of(report) for report in reports] or None


def _engine(observed: Observed) -> str | None:
    if (own := own_engine(observed)) is not None:
        return own.name
    if observed.spec is None or observed.preset is None:
        return None
    found = serving_engine(observed, observed.spec)
    return found.value if found is not None else None


def _with_condition(observed: Observed, condition: Condition) -> Manifest:
    before = observed.status.get("conditions") or ()
    merged = merge(before, (condition,), observed.now, _generation(observed))
    cost = cost_status(observed)
    status = {**observed.status, **({"cost": cost} if cost is not None else {})}
    if not any(c.get("type") == condition.type for c in before):
        return {**status, "conditions": [*before, *merged]}
    replaced = [merged[0] if c.get("type") == condition.type else c for c in before]
    return {**status, "conditions": replaced}


def _with_refusal(conditions: tuple[Condition, ...], observed: Observed) -> tuple[Condition, ...]:
    """ResourceReady reports the write that the API server refused."""
    if observed.refusal is None:
        return conditions
    refused = false(
        condition_types.RESOURCE_READY, observed.refusal.reason, observed.refusal.message
    )
    return tuple(refused if c.type == condition_types.RESOURCE_READY else c for c in conditions)


def _dump(estimate: EstimateStatus | None) -> Manifest | None:
    return None if estimate is None else estimate.model_dump(by_alias=True, exclude_none=True)


def _status(observed: Observed, conditions: Sequence[Condition], **fields: Any) -> Manifest:
    before = observed.status.get("conditions") or ()
    fields["model"] = observed.status.get("model")
    fields["cost"] = cost_status(observed)
    status: Manifest = {key: value for key, value in fields.items() if value is not None}
    status["conditions"] = merge(before, conditions, observed.now, _generation(observed))
    status["observedGeneration"] = _generation(observed)
    return status


def _generation(observed: Observed) -> int:
    return int(observed.workspace["metadata"].get("generation", 0))
