"""The status as the user reads it: computed whole from what was decided, never edited."""

from collections.abc import Sequence
from typing import Any

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, merge, true
from kaito_api.reasons import Reason
from kaito_api.status import EstimateStatus, State
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed
from workspace_controller.plan.parts import Parts
from workspace_controller.plan.progress import eta_of, progress_of, state_of
from workspace_controller.plan.summary_conditions import whole, with_whole
from workspace_controller.plan.tuning_status import adapter_status, tuning_status
from workspace_controller.plan.validation import Problem


def of_parts(o: Observed, parts: Parts) -> Manifest:
    """Where everything goes its way, or waits, or failed on it."""
    conditions = with_whole(_with_refusal(parts.conditions, o), parts)
    nodes = parts.nodes
    return _status(
        o,
        conditions,
        state=state_of(o, parts).value,
        workerNodes=list(nodes.workers) or None,
        targetNodeCount=nodes.target,
        nodes=f"{len(nodes.usable)}/{nodes.target}",
        progress=progress_of(parts),
        eta=eta_of(parts.tuning),
        costPerHour=None if parts.work_is_done else _cost(o, nodes.target),
        estimate=_dump(parts.sizing.estimate) or o.status.get("estimate"),
        tuning=tuning_status(o, parts.tuning),
        adapter=adapter_status(parts.tuning),
    )


def of_problems(o: Observed, problems: Sequence[Problem]) -> Manifest:
    """Nothing is made before the Workspace is right; what runs already keeps its status."""
    text = "; ".join(str(problem) for problem in problems)
    resource = false(condition_types.RESOURCE_READY, problems[0].reason, text)
    if o.started and o.said(condition_types.WORKSPACE_READY):
        return _with_condition(o, resource)
    permanent = any(problem.permanent for problem in problems)
    end = whole(permanent, f"{condition_types.RESOURCE_READY}: {text}")
    state = State.FAILED if permanent else State.PENDING
    return _status(o, (resource, *end), state=state.value)


def of_deletion(o: Observed, waiting_for: str) -> Manifest:
    """The last words; what else was known stays as it is."""
    deleting = true(condition_types.WORKSPACE_DELETING, Reason.WORKSPACE_DELETING, waiting_for)
    status = _with_condition(o, deleting)
    gone = {key: value for key, value in status.items() if key not in ("progress", "eta")}
    return {**gone, "state": State.DELETING.value}


def _with_condition(o: Observed, condition: Condition) -> Manifest:
    history = o.status.get("conditions") or ()
    said = merge(history, (condition,), o.now, _generation(o))
    if not any(c.get("type") == condition.type for c in history):
        return {**o.status, "conditions": [*history, *said]}
    changed = [said[0] if c.get("type") == condition.type else c for c in history]
    return {**o.status, "conditions": changed}


def _with_refusal(conditions: tuple[Condition, ...], o: Observed) -> tuple[Condition, ...]:
    """A write that the API server refused is why the resources are not there."""
    if o.refusal is None:
        return conditions
    refused = false(condition_types.RESOURCE_READY, o.refusal.reason, o.refusal.message)
    return tuple(refused if c.type == condition_types.RESOURCE_READY else c for c in conditions)


def _cost(o: Observed, nodes: int) -> str | None:
    price = o.sku.price_usd_hour if o.sku is not None else None
    return None if price is None else f"${price * nodes:.2f}"


def _dump(estimate: EstimateStatus | None) -> Manifest | None:
    return None if estimate is None else estimate.model_dump(by_alias=True, exclude_none=True)


def _status(o: Observed, conditions: Sequence[Condition], **fields: Any) -> Manifest:
    before = o.status.get("conditions") or ()
    status: Manifest = {key: value for key, value in fields.items() if value is not None}
    status["conditions"] = merge(before, conditions, o.now, _generation(o))
    status["observedGeneration"] = _generation(o)
    return status


def _generation(o: Observed) -> int:
    return int(o.workspace["metadata"].get("generation", 0))
