"""The conditions that summarize all others: WorkspaceSucceeded and WorkspaceReady."""

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, true, unknown
from kaito_api.reasons import Reason
from workspace_controller.plan.status.progress import ON_THE_WAY
from workspace_controller.plan.subplans import Subplans


def with_whole(conditions: tuple[Condition, ...], subplans: Subplans) -> tuple[Condition, ...]:
    if subplans.ready:
        words = (Reason.WORKSPACE_READY, "the model answers")
    elif subplans.work_is_done:
        adapter = subplans.tuning.adapter if subplans.tuning is not None else None
        image = adapter.reference if adapter is not None else ""
        words = (Reason.WORKSPACE_SUCCEEDED, f"the adapter was pushed: {image}")
    else:
        blame = _blame(conditions)
        text = f"{blame.type}: {blame.message}" if blame is not None else "on its way"
        return (*conditions, *whole(subplans.failed, text))
    return (
        *conditions,
        true(condition_types.WORKSPACE_SUCCEEDED, *words),
        true(condition_types.WORKSPACE_READY, *words),
    )


def whole(failed: bool, text: str) -> tuple[Condition, Condition]:
    if failed:
        return (
            false(condition_types.WORKSPACE_SUCCEEDED, Reason.WORKSPACE_FAILED, text),
            false(condition_types.WORKSPACE_READY, Reason.WORKSPACE_FAILED, text),
        )
    return (
        unknown(condition_types.WORKSPACE_SUCCEEDED, Reason.WORKSPACE_PENDING, text),
        false(condition_types.WORKSPACE_READY, Reason.WORKSPACE_PENDING, text),
    )


def _blame(conditions: tuple[Condition, ...]) -> Condition | None:
    """What keeps the whole from being ready: trouble before what is only on its way."""
    open_ = [c for c in conditions if not c.is_true]
    failure = (c for c in open_ if c.reason not in ON_THE_WAY)
    return next(failure, open_[0] if open_ else None)
