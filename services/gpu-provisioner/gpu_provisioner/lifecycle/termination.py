"""Termination: cordon, drain, delete the pool, and let the claim go only when the pool is gone.
What holds it up is on the claim at every moment."""

from datetime import timedelta

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.cloud.errors import PoolBusy, Queued
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.drain import drain
from gpu_provisioner.lifecycle.observed import Observed, Setback
from gpu_provisioner.lifecycle.plan import ConfirmGone, DeletePool, Plan, Release, Step
from kaito_api import conditions
from kaito_api.conditions import Condition
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest

# A deletion that the cloud began and ended in failure is asked for again after this.
_FAILED_PAUSE = timedelta(seconds=30)
_CHECK_SECONDS = 30.0
# How old what a listing says may be at the moment when it is asked for.
_OLDEST_LISTING = timedelta(seconds=30)
# Refusals that say the same of a deletion as of a launch.
_OF_THE_CLOUD = frozenset({Reason.CLOUD_UNAUTHORIZED, Reason.CLOUD_UNAVAILABLE})


def terminate(observed: Observed) -> Plan:
    """What a claim with a deletion timestamp and our finalizer needs next."""
    steps = [] if _is_going(observed) else [drain(observed)]
    if all(step.done for step in steps):
        steps.append(_remove(observed))
    actions = tuple(action for step in steps for action in step.actions)
    found = [step.condition for step in steps if step.condition is not None]
    released = any(isinstance(action, Release) for action in actions)
    return Plan(
        actions=actions,
        status=None if released else _status(observed, found),
        look_again=steps[-1].look_again,
    )


def _is_going(observed: Observed) -> bool:
    """Whether the cloud is taking the machine away already: it is too late to drain."""
    pool = observed.pool
    return (
        pool is not None
        and pool.state is PoolState.DELETING
        and ownership.belongs_to(pool, observed.claim)
    )


def _remove(observed: Observed) -> Step:
    setback, pool = observed.setback, observed.pool
    if setback is not None and setback.deleting and observed.now < setback.not_before:
        return _set_back(observed, setback)
    if pool is not None and ownership.belongs_to(pool, observed.claim):
        return _delete(observed, pool)
    names = tuple(node["metadata"]["name"] for node in observed.nodes)
    confirmed = () if _is_surely_gone(observed) else (ConfirmGone(observed.claim.name),)
    return Step(actions=(*confirmed, Release(names)))


def _is_surely_gone(observed: Observed) -> bool:
    """The listing lacks a pool that was there so long before that even an old answer had it."""
    launched, listed = observed.claim.since(observed.claim.kind.launched), observed.listed
    return launched is not None and listed is not None and listed >= launched + _OLDEST_LISTING


def _delete(observed: Observed, pool: Pool) -> Step:
    """A pool that is being made is asked to go as well: AKS aborts that, or says that it is
    busy."""
    type_ = observed.claim.kind.instance_terminating
    going = conditions.true(
        type_, Reason.INSTANCE_TERMINATING, f"agent pool {pool.name} is being deleted"
    )
    if pool.state is PoolState.DELETING:
        return Step(going, look_again=_CHECK_SECONDS)
    asked = observed.claim.since(type_)
    failed = observed.claim.since(type_, "False")
    if not pool.state.in_flight and asked is not None:
        why = pool.error.message if pool.error is not None else f"it ended {pool.state.value}"
        message = f"the deletion of agent pool {pool.name} failed, it is asked for again: {why}"
        told = conditions.false(type_, Reason.TERMINATION_FAILED, message)
        return Step(told, look_again=_FAILED_PAUSE.total_seconds() + 1)
    if failed is not None and observed.now < failed + _FAILED_PAUSE:
        return Step(_as_before(observed, type_), look_again=_FAILED_PAUSE.total_seconds() / 2)
    return Step(going, (DeletePool(pool.name),), look_again=_CHECK_SECONDS)


def _set_back(observed: Observed, setback: Setback) -> Step:
    """The cloud's refusal; one that only asks for patience is no failure."""
    type_, error = observed.claim.kind.instance_terminating, setback.error
    message = f"agent pool {observed.claim.name} cannot be deleted yet: {error.message}"
    if isinstance(error, PoolBusy | Queued):
        told = conditions.unknown(type_, Reason.TERMINATION_QUEUED, message)
    else:
        reason = error.reason if error.reason in _OF_THE_CLOUD else Reason.TERMINATION_FAILED
        told = conditions.false(type_, reason, message)
    left = (setback.not_before - observed.now).total_seconds()
    return Step(told, look_again=left)


def _as_before(observed: Observed, type_: str) -> Condition | None:
    found = conditions.find(observed.claim.conditions, type_)
    return None if found is None else conditions.from_manifest(found)


def _status(observed: Observed, found: list[Condition]) -> Manifest:
    """The conditions of the claim's life stay as they were: they say why it was given up."""
    new = {condition.type for condition in found}
    kept = [conditions.from_manifest(c) for c in observed.claim.conditions if c["type"] not in new]
    merged = conditions.merge(observed.claim.conditions, [*kept, *found], observed.now)
    return {"conditions": merged}
