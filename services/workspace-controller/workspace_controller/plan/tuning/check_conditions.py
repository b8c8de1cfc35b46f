"""The condition DataChecked, and when it outlives the Job that it is about."""

from kaito_api import condition_types
from kaito_api.conditions import Condition, ConditionStatus, from_manifest, true, unknown
from kaito_api.reasons import REASONS, Reason
from kaito_api.workspace import Tuning
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.tuning.adapter import tuned_adapter

_TYPE = condition_types.DATA_CHECKED


def passed_condition(observed: Observed, summary: str | None) -> Condition:
    """`summary` is None once the pod that reported it is gone; what it reported still holds."""
    before = observed.condition(_TYPE)
    if summary is None and before.get("status") == ConditionStatus.TRUE:
        return from_manifest(before)
    message = ": ".join(filter(None, ("the data can be trained on", summary)))
    return true(_TYPE, Reason.DATA_CHECKED, message)


def pending_condition() -> Condition:
    message = "creating the Job that checks the data before nodes are requested"
    return unknown(_TYPE, Reason.DATA_CHECK_PENDING, message)


def running_condition(obstacle: str) -> Condition:
    message = "checking the data before nodes are requested"
    message = f"{message}: {obstacle}" if obstacle else message
    return unknown(_TYPE, Reason.DATA_CHECK_RUNNING, message)


def skipped_condition(why: str) -> Condition:
    message = (
        f"{why}; nodes are requested without the check, and the data-fetcher of the tuning Job "
        "checks the data instead"
    )
    return unknown(_TYPE, Reason.DATA_CHECK_SKIPPED, message)


def is_recorded(observed: Observed, condition: Condition) -> bool:
    """Whether the status says this about the present spec."""
    before = observed.condition(_TYPE)
    same = (before.get("status"), before.get("reason")) == (condition.status, condition.reason)
    return same and _is_about_spec(observed)


def standing_condition(observed: Observed, tuning: Tuning) -> Condition | None:
    """What the status says about this spec already, where that ends the matter; None otherwise.

    The Job can be deleted at any time, by its user or with its namespace's finished Jobs. That
    neither repeats the check nor withholds a node.
    """
    before = observed.condition(_TYPE)
    ended = (
        before.get("status") == ConditionStatus.TRUE
        or before.get("reason") == Reason.DATA_CHECK_SKIPPED
    )
    # Once there is an adapter, other fields of the spec can change without another run.
    same = _is_about_spec(observed) or tuned_adapter(observed, tuning)
    return from_manifest(before) if ended and same else None


def known_failure(observed: Observed) -> Failure | None:
    """What was wrong with the data of this spec, where the pod that reported it is being replaced.

    Its node can be drained at any time, and data that is known to be bad must not cost a GPU node.
    """
    before = observed.condition(_TYPE)
    reason = REASONS.get(str(before.get("reason")))
    if reason is None or before.get("status") != ConditionStatus.FALSE:
        return None
    # A pod that was forbidden says nothing about the data.
    if not _is_about_spec(observed) or reason is Reason.POD_FORBIDDEN:
        return None
    return Failure(reason, str(before.get("message")), reason.permanent)


def _is_about_spec(observed: Observed) -> bool:
    generation = observed.workspace["metadata"].get("generation")
    return bool(observed.condition(_TYPE).get("observedGeneration") == generation)
