"""When a step may act on what seems late, lost or broken: only by a fresh word of the cloud that
the cluster is steady, and only when it has been so for a while."""

from dataclasses import replace
from datetime import datetime

from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import AskCluster, Step

_ASKED_SECONDS = 0.5
_UNSTEADY_SECONDS = 30.0


def judge(observed: Observed, verdict: Step, until_then: Step) -> Step:
    """`verdict` where it may be passed; else `until_then`, which says what it waits for."""
    power, now = observed.power, observed.now
    settled = power.is_settled(now, observed.terms.settle)
    known = power.state is not None
    waiting = _held(observed, until_then) if known and not settled else until_then
    if not power.is_fresh(now):
        actions = (*waiting.actions, AskCluster())
        return replace(waiting, actions=actions, look_again=_ASKED_SECONDS)
    return verdict if settled else replace(waiting, look_again=_UNSTEADY_SECONDS)


def while_awake(observed: Observed, step: Step) -> Step:
    """The step before its time has come, which does not pass while the cluster sleeps."""
    state = observed.power.state
    return _held(observed, step) if state is not None and not state.steady else step


def counted_from(observed: Observed, since: datetime) -> datetime:
    """Since when something is late: the time before the cluster woke does not count."""
    woke = observed.power.woke
    return max(since, woke) if woke is not None else since


def steady_from(observed: Observed, since: datetime) -> datetime:
    """Since when something that has worked is broken: only steady time that was seen counts."""
    return max(since, observed.power.steady_since or observed.now)


def _held(observed: Observed, step: Step) -> Step:
    minutes = observed.terms.settle.total_seconds() / 60
    note = f"{observed.power.words}: nothing is given up before it has run for {minutes:.0f} min"
    condition = step.condition
    if condition is not None:
        condition = replace(condition, message=f"{condition.message}; {note}")
    return replace(step, condition=condition)
