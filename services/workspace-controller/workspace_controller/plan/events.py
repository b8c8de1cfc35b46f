"""The events that a change of the status emits."""

from kaito_api.conditions import ConditionStatus
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed
from workspace_controller.plan.plan import Event
from workspace_controller.plan.progress import ON_THE_WAY

# Follows from what the others say.
_DULL = frozenset({"TuningPending", "InferencePending", "WorkspacePending"})


def events(o: Observed, status: Manifest) -> tuple[Event, ...]:
    """One for each condition whose answer or reason is another one now; what several of them
    say is told once."""
    told: dict[tuple[str, str], Event] = {}
    dull = _DULL if status.get("workerNodes") else _DULL | {"NodesNotReady"}
    for condition in status["conditions"]:
        before, reason = o.said(condition["type"]), condition["reason"]
        now = (condition["status"], reason)
        if (before.get("status"), before.get("reason")) != now and reason not in dull:
            warning = condition["status"] == ConditionStatus.FALSE and reason not in ON_THE_WAY
            note = f"{condition['type']}={condition['status']}: {condition['message']}"
            told.setdefault((reason, condition["message"]), Event(warning, reason, note))
    return tuple(told.values())
