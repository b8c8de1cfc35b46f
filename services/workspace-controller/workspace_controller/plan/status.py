"""The status as the user reads it: computed whole from what was decided, never edited."""

from collections.abc import Sequence
from typing import Any

from kaito_api import reasons
from kaito_api.conditions import (
    Condition,
    ConditionStatus,
    false,
    is_true,
    merge,
    rfc3339,
    true,
    unknown,
)
from kaito_api.status import EstimateStatus, State
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed, TuningRun
from workspace_controller.plan.parts import Parts
from workspace_controller.plan.plan import Event
from workspace_controller.plan.tuning import Phase, TunedAdapter, TuningState
from workspace_controller.plan.validation import Problem

_STAGES = {
    "LOADING": "loading the base model",
    "PREPARING": "reading the data set",
    "PUSHING": Phase.PUSHING.value,
}
_SERVING = {
    "InferencePending": "starting the model's pod",
    "ModelLoading": "loading the model",
}
_SERVED_BEFORE = (State.READY, State.NOT_READY)


def of_parts(o: Observed, parts: Parts) -> Manifest:
    """Where everything goes its way, or waits, or failed on it."""
    conditions = _with_whole(_with_refusal(parts.conditions, o), parts)
    nodes = parts.nodes
    return _status(
        o,
        conditions,
        state=_state(o, parts).value,
        workerNodes=list(nodes.workers) or None,
        targetNodeCount=nodes.target,
        nodes=f"{len(nodes.usable)}/{nodes.target}",
        progress=_progress(parts),
        eta=_eta(parts.tuning),
        costPerHour=None if parts.work_is_done else _cost(o, nodes.target),
        estimate=_dump(parts.sizing.estimate) or o.status.get("estimate"),
        tuning=_tuning(o, parts.tuning),
        adapter=_adapter(parts.tuning),
    )


def of_problems(o: Observed, problems: Sequence[Problem]) -> Manifest:
    """Nothing is made before the Workspace is right; what runs already keeps its status."""
    text = "; ".join(str(problem) for problem in problems)
    resource = false(reasons.RESOURCE_READY, problems[0].reason, text)
    if o.started and o.said(reasons.WORKSPACE_READY):
        return _with_condition(o, resource)
    permanent = any(problem.permanent for problem in problems)
    end = _whole(permanent, f"{reasons.RESOURCE_READY}: {text}")
    state = State.FAILED if permanent else State.PENDING
    return _status(o, (resource, *end), state=state.value)


def of_deletion(o: Observed, waiting_for: str) -> Manifest:
    """The last words; what else was known stays as it is."""
    deleting = true(reasons.WORKSPACE_DELETING, "WorkspaceDeleting", waiting_for)
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


def events(o: Observed, status: Manifest) -> tuple[Event, ...]:
    """One for each condition whose answer or reason is another one now; what several of them
    say is told once."""
    told: dict[tuple[str, str], Event] = {}
    dull = _DULL if status.get("workerNodes") else _DULL | {"NodesNotReady"}
    for condition in status["conditions"]:
        before, reason = o.said(condition["type"]), condition["reason"]
        now = (condition["status"], reason)
        if (before.get("status"), before.get("reason")) != now and reason not in dull:
            warning = condition["status"] == ConditionStatus.FALSE and reason not in _ON_THE_WAY
            note = f"{condition['type']}={condition['status']}: {condition['message']}"
            told.setdefault((reason, condition["message"]), Event(warning, reason, note))
    return tuple(told.values())


# Follows from what the others say.
_DULL = frozenset({"TuningPending", "InferencePending", "WorkspacePending"})
_ON_THE_WAY = frozenset(
    {
        "CreatingNodes", "NodesNotReady", "NodesReleased", "TuningPending", "TuningRunning",
        "InferencePending", "ModelLoading", "NotServed", "WorkspacePending",
    }
)  # fmt: skip


def _with_refusal(conditions: tuple[Condition, ...], o: Observed) -> tuple[Condition, ...]:
    """A write that the API server refused is why the resources are not there."""
    if o.refusal is None:
        return conditions
    refused = false(reasons.RESOURCE_READY, o.refusal.reason, o.refusal.message)
    return tuple(refused if c.type == reasons.RESOURCE_READY else c for c in conditions)


def _with_whole(conditions: tuple[Condition, ...], parts: Parts) -> tuple[Condition, ...]:
    if parts.ready:
        words = ("WorkspaceReady", "the model answers")
    elif parts.work_is_done:
        adapter = parts.tuning.adapter if parts.tuning is not None else None
        image = adapter.reference if adapter is not None else ""
        words = ("WorkspaceSucceeded", f"the adapter was pushed: {image}")
    else:
        blame = _blame(conditions)
        text = f"{blame.type}: {blame.message}" if blame is not None else "on its way"
        return (*conditions, *_whole(parts.failed, text))
    return (
        *conditions,
        true(reasons.WORKSPACE_SUCCEEDED, *words),
        true(reasons.WORKSPACE_READY, *words),
    )


def _blame(conditions: tuple[Condition, ...]) -> Condition | None:
    """What keeps the whole from being ready: trouble before what is only on its way."""
    open_ = [c for c in conditions if not c.is_true]
    trouble = (c for c in open_ if c.reason not in _ON_THE_WAY)
    return next(trouble, open_[0] if open_ else None)


def _whole(failed: bool, text: str) -> tuple[Condition, Condition]:
    if failed:
        return (
            false(reasons.WORKSPACE_SUCCEEDED, "WorkspaceFailed", text),
            false(reasons.WORKSPACE_READY, "WorkspaceFailed", text),
        )
    return (
        unknown(reasons.WORKSPACE_SUCCEEDED, "WorkspacePending", text),
        false(reasons.WORKSPACE_READY, "WorkspacePending", text),
    )


def _state(o: Observed, parts: Parts) -> State:
    if parts.ready:
        return State.READY
    if parts.work_is_done:
        return State.SUCCEEDED
    if parts.failed:
        return State.FAILED
    tuning = parts.tuning
    if tuning is not None and tuning.phase is Phase.PUSHING:
        return State.PUSHING
    if tuning is not None and tuning.phase in (Phase.FETCHING, Phase.TRAINING):
        return State.TUNING
    if o.workload is not None and (tuning is None or tuning.phase is Phase.DONE):
        before = o.status.get("state") in _SERVED_BEFORE
        return State.NOT_READY if before else State.LOADING
    return State.PROVISIONING if not parts.nodes.ready else State.PENDING


def _progress(parts: Parts) -> str | None:
    if parts.ready:
        return None
    tuning = parts.tuning
    if not parts.nodes.ready and not (tuning is not None and tuning.phase is not Phase.WAITING):
        return f"nodes {len(parts.nodes.usable)}/{parts.nodes.target}"
    if tuning is None or tuning.phase is Phase.DONE:
        return _SERVING.get(parts.serving.condition.reason) if parts.serving else None
    return _run_progress(tuning)


def _run_progress(tuning: TuningState) -> str | None:
    run = tuning.run
    if tuning.succeeded.reason not in _ON_THE_WAY:
        return None
    if tuning.phase is Phase.WAITING:
        return "starting the training pod"
    if tuning.phase is not Phase.TRAINING or run is None:
        return str(tuning.phase.value)
    if run.state == "RUNNING" and run.total_steps > 0:
        percent = 100 * run.step // run.total_steps
        return f"step {run.step}/{run.total_steps} ({percent}%)"
    return _STAGES.get(run.state, str(tuning.phase.value))


def _eta(tuning: TuningState | None) -> str | None:
    run = tuning.run if tuning is not None else None
    if run is None or run.eta_seconds is None or run.state != "RUNNING":
        return None
    return duration(run.eta_seconds)


def duration(seconds: float) -> str:
    """Two units at most: 45s, 2m10s, 3h05m."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def _cost(o: Observed, nodes: int) -> str | None:
    price = o.sku.price_usd_hour if o.sku is not None else None
    return None if price is None else f"${price * nodes:.2f}"


def _tuning(o: Observed, tuning: TuningState | None) -> Manifest | None:
    """The run as it told; while it does not answer, as it told last."""
    if tuning is None or tuning.phase is Phase.WAITING:
        return None
    before: Manifest | None = o.status.get("tuning")
    if tuning.phase is Phase.DONE:
        return {**before, "state": "SUCCEEDED"} if before else None
    return _run(tuning.run) if tuning.run is not None else before


def _run(run: TuningRun) -> Manifest:
    shown: dict[str, Any] = {
        "state": run.state,
        "step": run.step,
        "totalSteps": run.total_steps or None,
        "epoch": f"{run.epoch:.2f}",
        "loss": None if run.loss is None else f"{run.loss:.4f}",
        "learningRate": None if run.learning_rate is None else f"{run.learning_rate:.3g}",
        "tokensPerSecond": f"{run.tokens_per_second:.0f}" if run.tokens_per_second else None,
        "checkpointStep": run.checkpoint_step,
        "startTime": rfc3339(run.started) if run.started else None,
        "endTime": rfc3339(run.ended) if run.ended else None,
    }
    return {key: value for key, value in shown.items() if value is not None}


def _adapter(tuning: TuningState | None) -> Manifest | None:
    adapter: TunedAdapter | None = tuning.adapter if tuning is not None else None
    if adapter is None:
        return None
    shown: Manifest = {
        "image": adapter.image,
        "digest": adapter.digest,
        "revision": adapter.revision,
    }
    return {**shown, "size": adapter.size} if adapter.size is not None else shown


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


def is_ready(workspace: Manifest) -> bool:
    """Whether a Workspace's model answers, by its status."""
    return is_true(workspace, reasons.INFERENCE_READY)
