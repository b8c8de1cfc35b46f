"""What InferenceReady says about the annotation that goes back to an earlier revision."""

from dataclasses import replace

from kaito_api.conditions import Condition
from kaito_api.reasons import Reason
from workspace_controller.observed import Observed
from workspace_controller.plan.serving.updates.undo import UNDO_FIELD, find_revision, undo_of


def with_undo(observed: Observed, condition: Condition) -> Condition:
    """The condition, with what became of the annotation while that holds.

    Only the reason of a model that is simply ready gives way: all others say what to do.
    """
    undo = undo_of(observed)
    if undo is None or not undo.holds:
        return condition
    ready = condition.is_true and condition.reason == Reason.INFERENCE_READY
    if find_revision(observed, undo) is None:
        reason = Reason.REVISION_NOT_FOUND if ready else condition.reason
        message = f"{condition.message}; {UNDO_FIELD} = {undo.number} is {_not_recorded(observed)}"
        return replace(condition, reason=reason, message=message)
    if not ready:
        return condition
    message = (
        f"{condition.message} with revision {undo.number}, to which {UNDO_FIELD} went back; it "
        "stays until the annotation is removed or the Workspace changes"
    )
    return replace(condition, reason=Reason.REVISION_PINNED, message=message)


def _not_recorded(observed: Observed) -> str:
    numbers = sorted(each.number for each in observed.revisions or ())
    has = f"those are {', '.join(map(str, numbers))}" if numbers else "there is none yet"
    return f"no recorded revision: {has}; set one of them, or remove the annotation"
