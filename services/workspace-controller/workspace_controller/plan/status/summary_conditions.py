"""The conditions that summarize all others: WorkspaceSucceeded and WorkspaceReady."""

from kaito_api import condition_types
from kaito_api.blocking import blocking_condition
from kaito_api.conditions import Condition, false, true, unknown
from kaito_api.reasons import Reason
from workspace_controller.plan.subplans import Subplans


def summary_conditions(
    conditions: tuple[Condition, ...], subplans: Subplans
) -> tuple[Condition, Condition]:
    """WorkspaceSucceeded and WorkspaceReady, from all other conditions."""
    if subplans.ready:
        return _finished_conditions(Reason.WORKSPACE_READY, "the model answers requests")
    if subplans.done:
        adapter = subplans.tuning.adapter if subplans.tuning is not None else None
        place = adapter.place if adapter is not None else ""
        return _finished_conditions(Reason.WORKSPACE_SUCCEEDED, f"the adapter is in {place}")
    cause = blocking_condition(conditions)
    text = f"{cause.type}: {cause.message}" if cause is not None else "in progress"
    return unfinished_conditions(subplans.failed, text)


def unfinished_conditions(failed: bool, message: str) -> tuple[Condition, Condition]:
    """Both conditions of a Workspace that has failed, or that is in progress."""
    if failed:
        return (
            false(condition_types.WORKSPACE_SUCCEEDED, Reason.WORKSPACE_FAILED, message),
            false(condition_types.WORKSPACE_READY, Reason.WORKSPACE_FAILED, message),
        )
    return (
        unknown(condition_types.WORKSPACE_SUCCEEDED, Reason.WORKSPACE_PENDING, message),
        false(condition_types.WORKSPACE_READY, Reason.WORKSPACE_PENDING, message),
    )


def _finished_conditions(reason: Reason, message: str) -> tuple[Condition, Condition]:
    return (
        true(condition_types.WORKSPACE_SUCCEEDED, reason, message),
        true(condition_types.WORKSPACE_READY, reason, message),
    )
