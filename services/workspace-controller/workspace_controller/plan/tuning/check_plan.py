"""What a verdict of the check of the data means for the status and for the nodes."""

from dataclasses import dataclass

from kaito_api import condition_types
from kaito_api.conditions import Condition, false
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.plan import Action
from workspace_controller.plan.tuning.check_conditions import (
    is_recorded,
    passed_condition,
    running_condition,
    skipped_condition,
)
from workspace_controller.plan.tuning.check_verdict import (
    Impossible,
    Passed,
    Refused,
    Running,
    Verdict,
)

# The status that a pass writes does not trigger the next pass.
STATUS_REQUEUE_SECONDS = 0.1
# A ConfigMap that the user corrects is not watched, so a check that failed polls for it.
_CONFIG_REQUEUE_SECONDS = 10.0
_LATE = "the check is not finished yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheckPlan:
    """`condition` is DataChecked; None while there is nothing to report.

    While the plan `holds_nodes`, none is requested. `failure` is what keeps the run from
    succeeding.
    """

    actions: tuple[Action, ...] = ()
    condition: Condition | None = None
    failure: Failure | None = None
    holds_nodes: bool = False
    requeue_after_seconds: float | None = None


def judged(observed: Observed, verdict: Verdict, waits: bool) -> DataCheckPlan:
    """The plan for what the check has found. Only while a node `waits` for it, it holds nodes."""
    match verdict:
        case Passed():
            return _ended(observed, passed_condition(observed, verdict.summary), waits)
        case Refused():
            return DataCheckPlan(
                condition=_unfinished("", waits)
                if verdict.summary is None
                else passed_condition(observed, verdict.summary),
                failure=verdict.failure,
                holds_nodes=waits,
                requeue_after_seconds=_CONFIG_REQUEUE_SECONDS,
            )
        case Failure():
            return DataCheckPlan(
                condition=false(condition_types.DATA_CHECKED, verdict.reason, verdict.message),
                failure=verdict,
                holds_nodes=waits,
                requeue_after_seconds=_CONFIG_REQUEUE_SECONDS,
            )
        case Running():
            return DataCheckPlan(
                condition=_unfinished(verdict.obstacle, waits),
                holds_nodes=waits,
                requeue_after_seconds=verdict.remaining_seconds if waits else None,
            )
        case Impossible():
            return _ended(observed, skipped_condition(verdict.why), waits)


def _ended(observed: Observed, condition: Condition, waits: bool) -> DataCheckPlan:
    """A node is requested once the status has the result: the Job can be deleted at any time."""
    if not waits or is_recorded(observed, condition):
        return DataCheckPlan(condition=condition)
    return DataCheckPlan(
        condition=condition, holds_nodes=True, requeue_after_seconds=STATUS_REQUEUE_SECONDS
    )


def _unfinished(obstacle: str, waits: bool) -> Condition:
    return running_condition(obstacle) if waits else skipped_condition(obstacle or _LATE)
