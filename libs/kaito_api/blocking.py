"""Which condition keeps a Workspace from being ready. Pure.

workspace-controller writes it into the summary conditions, and `kubectl kaito` explains it.
"""

from collections.abc import Iterable

from kaito_api.conditions import Condition
from kaito_api.reasons import Reason

# A condition that is False for one of these reasons is no failure.
IN_PROGRESS = frozenset(
    {
        Reason.CREATING_NODES,
        Reason.NODES_NOT_READY,
        Reason.NODES_RELEASED,
        Reason.WAITING_FOR_DATA_CHECK,
        Reason.QUEUED,
        Reason.DATA_CHECK_PENDING,
        Reason.DATA_CHECK_RUNNING,
        Reason.DATA_CHECK_SKIPPED,
        Reason.CHECKPOINTS_ON_NODE,
        Reason.TUNING_PENDING,
        Reason.TUNING_RUNNING,
        Reason.LOSS_DIVERGES,
        Reason.INFERENCE_PENDING,
        Reason.MODEL_LOADING,
        Reason.NOT_SERVED,
        Reason.WORKSPACE_PENDING,
    }
)

_KEEPS_NOTHING_WAITING = frozenset({Reason.DATA_CHECK_SKIPPED, Reason.CHECKPOINTS_ON_NODE})


def blocking_condition(conditions: Iterable[Condition]) -> Condition | None:
    """The first failure, or what is in progress where nothing has failed; None if all are True."""
    open_ = [c for c in conditions if not c.is_true and c.reason not in _KEEPS_NOTHING_WAITING]
    failures = (c for c in open_ if c.reason not in IN_PROGRESS)
    return next(failures, open_[0] if open_ else None)
