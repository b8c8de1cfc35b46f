"""When a stage may act on what looks late, lost or broken: only on a fresh state of the cluster,
and only after the cluster has been steady for a while."""

from dataclasses import replace
from datetime import datetime

from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import RefreshClusterState, StageResult

# The state of the cluster is requested in this pass, and the next one decides with it.
_REFRESHED_SECONDS = 0.5
_UNSETTLED_SECONDS = 30.0
# The state cannot be read, and is asked for at growing intervals.
_UNREADABLE_SECONDS = 30.0


def when_settled(observed: Observed, outcome: StageResult, until_then: StageResult) -> StageResult:
    """Return `outcome` if the cluster is settled, and otherwise `until_then` with a note about
    what it waits for."""
    stability, now = observed.stability, observed.now
    settled = stability.is_settled(now, observed.timeouts.settle)
    unsettled = stability.state is not None and not settled
    waiting = _with_note(observed, until_then) if unsettled or stability.error else until_then
    if not stability.is_fresh(now):
        actions = (*waiting.actions, RefreshClusterState())
        seconds = _UNREADABLE_SECONDS if stability.error else _REFRESHED_SECONDS
        return replace(waiting, actions=actions, requeue_after_seconds=seconds)
    return outcome if settled else replace(waiting, requeue_after_seconds=_UNSETTLED_SECONDS)


def note_if_unsteady(observed: Observed, result: StageResult) -> StageResult:
    """Return the result of a stage whose time has not come, with a note while the cluster is not
    steady, because the time does not pass then."""
    state = observed.stability.state
    return _with_note(observed, result) if state is not None and not state.steady else result


def timeout_start(observed: Observed, since: datetime) -> datetime:
    """Return when the timeout of something that never worked starts: not before the cluster was
    restarted."""
    restarted_at = observed.stability.restarted_at
    return max(since, restarted_at) if restarted_at is not None else since


def failing_since(observed: Observed, since: datetime) -> datetime:
    """Return since when something that worked is broken. Only time during which this process saw
    the cluster steady counts."""
    return max(since, observed.stability.steady_since or observed.now)


def _with_note(observed: Observed, result: StageResult) -> StageResult:
    minutes, stability = observed.timeouts.settle.total_seconds() / 60, observed.stability
    until = (
        "nothing that looks lost is deleted until it can"
        if stability.error
        else f"nothing is deleted before it has been steady for {minutes:.0f} min"
    )
    note = f"{stability.description}: {until}"
    condition = result.condition
    if condition is not None:
        condition = replace(condition, message=f"{condition.message}; {note}")
    return replace(result, condition=condition)
