"""The Events that a change of the status emits."""

from kaito_api.blocking import IN_PROGRESS
from kaito_api.condition_types import WORKSPACE_DELETING
from kaito_api.conditions import ConditionStatus
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed
from workspace_controller.plan.plan import EmitEvent
from workspace_controller.plan.status.run_events import run_events
from workspace_controller.plan.status.start_events import start_events

# These follow from other conditions, which emit their own events.
_SILENT = frozenset(
    {
        Reason.WAITING_FOR_DATA_CHECK,
        Reason.DATA_CHECK_PENDING,
        Reason.TUNING_PENDING,
        Reason.INFERENCE_PENDING,
        Reason.WORKSPACE_PENDING,
    }
)

# Nothing has failed, and somebody should look all the same.
_WARNINGS = frozenset(
    {
        Reason.LOSS_DIVERGES,
        Reason.CHECKPOINTS_ON_NODE,
        Reason.ADAPTER_NOT_LOADED,
        Reason.ADAPTER_NOT_VERIFIED,
        Reason.UPDATE_HELD,
        Reason.UPDATE_FAILED,
        Reason.REVISION_NOT_FOUND,
    }
)


def events(observed: Observed, status: Manifest) -> tuple[EmitEvent, ...]:
    """One event for each condition whose status or reason changed, and those of the training.

    Conditions that share reason and message emit one event together.
    """
    changed: dict[tuple[str, str], EmitEvent] = {}
    # Before there is a node, NodesNotReady only repeats that nodes are being created.
    silent = _SILENT if status.get("workerNodes") else _SILENT | {Reason.NODES_NOT_READY}
    for condition in status["conditions"]:
        type_, reason = condition["type"], condition["reason"]
        before = observed.condition(type_)
        now = (condition["status"], reason)
        if (before.get("status"), before.get("reason")) != now and reason not in silent:
            failed = condition["status"] == ConditionStatus.FALSE and reason not in IN_PROGRESS
            held_up = type_ == WORKSPACE_DELETING and reason != Reason.WORKSPACE_DELETING
            warning = failed or held_up or reason in _WARNINGS
            note = f"{type_}={condition['status']}: {condition['message']}"
            changed.setdefault((reason, condition["message"]), EmitEvent(warning, reason, note))
    runs = run_events(observed.status.get("tuning") or {}, status.get("tuning") or {})
    return (*changed.values(), *runs, *start_events(observed.status, status))
