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
        Reason.DATA_CHECK_PENDING,
        Reason.DATA_CHECK_RUNNING,
        Reason.DATA_CHECK_SKIPPED,
        Reason.TUNING_PENDING,
        Reason.TUNING_RUNNING,
        Reason.LOSS_DIVERGES,
        Reason.INFERENCE_PENDING,
        Reason.MODEL_LOADING,
        Reason.NOT_SERVED,
        Reason.WORKSPACE_PENDING,
    }
)


def blocking_condition(conditions: Iterable[Condition]) -> Condition | None:
    """The first failure, or what is in progress where nothing has failed; None if all are True."""
    # A check that was skipped keeps nothing waiting.
    open_ = [c for c in conditions if not c.is_true and c.reason != Reason.DATA_CHECK_SKIPPED]
    failures = (c for c in open_ if c.reason not in IN_PROGRESS)
    return next(failures, open_[0] if open_ else None)
