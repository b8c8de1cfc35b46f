"""The events that a change of the status emits."""

from kaito_api.conditions import ConditionStatus
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed
from workspace_controller.plan.plan import EmitEvent
from workspace_controller.plan.status.progress import ON_THE_WAY

# Follows from what the others say.
_DULL = frozenset({Reason.TUNING_PENDING, Reason.INFERENCE_PENDING, Reason.WORKSPACE_PENDING})


def events(observed: Observed, status: Manifest) -> tuple[EmitEvent, ...]:
    """One for each condition whose answer or reason is another one now; what several of them
    say is told once."""
    told: dict[tuple[str, str], EmitEvent] = {}
    dull = _DULL if status.get("workerNodes") else _DULL | {Reason.NODES_NOT_READY}
    for condition in status["conditions"]:
        before, reason = observed.condition(condition["type"]), condition["reason"]
        now = (condition["status"], reason)
        if (before.get("status"), before.get("reason")) != now and reason not in dull:
            warning = condition["status"] == ConditionStatus.FALSE and reason not in ON_THE_WAY
            note = f"{condition['type']}={condition['status']}: {condition['message']}"
            told.setdefault((reason, condition["message"]), EmitEvent(warning, reason, note))
    return tuple(told.values())
