"""Termination: cordon, drain, delete the pool, and remove the finalizer only when the pool is gone.
The claim's conditions show at every moment what termination waits for."""

from datetime import datetime, timedelta

from gpu_provisioner.agent_pools.ownership import Ownership
from gpu_provisioner.cloud.errors import CloudError, PoolBusy, Throttled
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.contested_pool import contested_message
from gpu_provisioner.lifecycle.drain import drain
from gpu_provisioner.lifecycle.observed import CloudBackoff, Observed
from gpu_provisioner.lifecycle.plan import (
    ConfirmPoolGone,
    DeletePool,
    EmitEvent,
    Plan,
    RemoveFinalizer,
    StageResult,
)
from kaito_api import conditions
from kaito_api.conditions import Condition
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest

# A deletion that the cloud accepted and that failed later is retried after this, and after longer
# and longer pauses from then on.
_FAILED_RETRY, _MAX_FAILED_RETRY = timedelta(seconds=30), timedelta(minutes=10)
# The next listing of the pools usually triggers the next pass; this is the fallback.
_CHECK_SECONDS = 30.0
# Somebody has to decide whose a contested pool is; the next listing shows it.
_CONTESTED_SECONDS = 60.0
# The maximum age of what a listing shows at the moment when it is requested.
_LISTING_MAX_AGE = timedelta(seconds=30)
# Reasons that mean the same for a deletion as for a launch.
_CLOUD_REASONS = frozenset(
    {
        Reason.CLOUD_UNAUTHORIZED,
        Reason.CLOUD_UNAVAILABLE,
        Reason.POLICY_DENIED,
        Reason.RESOURCE_LOCKED,
        Reason.SUBNET_UNAUTHORIZED,
        Reason.TERMINATION_BLOCKED,
    }
)


def terminate(observed: Observed) -> Plan:
    """Return the plan for a claim that is being deleted and has this provisioner's finalizer."""
    stages = [] if _instance_is_terminating(observed) else [drain(observed)]
    if all(stage.done for stage in stages):
        stages.append(_remove(observed))
    actions = tuple(action for stage in stages for action in stage.actions)
    current = [stage.condition for stage in stages if stage.condition is not None]
    is_last = any(isinstance(action, RemoveFinalizer) for action in actions)
    return Plan(
        actions=actions,
        status=None if is_last else _status(observed, current),
        requeue_after_seconds=stages[-1].requeue_after_seconds,
    )


def _instance_is_terminating(observed: Observed) -> bool:
    """Return whether the cloud is deleting the machine already: it is too late to drain."""
    pool = observed.pool
    is_own = observed.ownership is Ownership.OWN
    return pool is not None and pool.state is PoolState.DELETING and is_own


def _remove(observed: Observed) -> StageResult:
    backoff, pool = observed.backoff, observed.pool
    if backoff is not None and backoff.deleting and backoff.applies(observed.now):
        return _in_backoff(observed, backoff)
    if pool is not None and observed.ownership is Ownership.OWN:
        return _delete(observed, pool)
    if pool is not None and observed.ownership is Ownership.CONTESTED:
        return _contested(observed, pool)
    names = tuple(node["metadata"]["name"] for node in observed.nodes)
    confirm = () if _is_surely_gone(observed) else (ConfirmPoolGone(observed.claim.name),)
    return StageResult(actions=(*confirm, RemoveFinalizer(names)))


def _is_surely_gone(observed: Observed) -> bool:
    """Return whether the listing lacks a pool that existed for so long that even an old response
    would contain it."""
    launched = observed.claim.condition_since(observed.claim.kind.launched)
    listed_at = observed.listed_at
    return (
        launched is not None and listed_at is not None and listed_at >= launched + _LISTING_MAX_AGE
    )


def _delete(observed: Observed, pool: Pool) -> StageResult:
    """Delete the pool, also one that is being created: AKS aborts the creation, or answers that
    it is busy."""
    type_ = observed.claim.kind.instance_terminating
    terminating = conditions.true(
        type_, Reason.INSTANCE_TERMINATING, f"agent pool {pool.name} is being deleted"
    )
    if pool.state is PoolState.DELETING:
        return StageResult(terminating, requeue_after_seconds=_CHECK_SECONDS)
    requested = observed.claim.condition_since(type_)
    failed = observed.claim.condition_since(type_, "False")
    if not pool.state.in_flight and requested is not None:
        why = pool.error.message if pool.error is not None else f"it ended as {pool.state.value}"
        message = f"the deletion of agent pool {pool.name} failed and is retried: {why}"
        return StageResult(
            conditions.false(type_, _reason(pool.error), message),
            requeue_after_seconds=_FAILED_RETRY.total_seconds() + 1,
        )
    if failed is not None and observed.now < failed + _failed_retry(observed, failed):
        return StageResult(
            _current(observed, type_), requeue_after_seconds=_FAILED_RETRY.total_seconds() / 2
        )
    return StageResult(terminating, (DeletePool(pool.name),), requeue_after_seconds=_CHECK_SECONDS)


def _contested(observed: Observed, pool: Pool) -> StageResult:
    """Keep the claim: if the pool is its own, its machine would be billed on without it."""
    message = contested_message(pool, observed.claim)
    held = conditions.false(
        observed.claim.kind.instance_terminating, Reason.TERMINATION_FAILED, message
    )
    event = EmitEvent("Warning", Reason.POOL_MARKS_LOST, message)
    return StageResult(held, (event,), requeue_after_seconds=_CONTESTED_SECONDS)


def _in_backoff(observed: Observed, backoff: CloudBackoff) -> StageResult:
    """Show the cloud's error. One that only asks to wait is no failure."""
    type_, error = observed.claim.kind.instance_terminating, backoff.error
    message = f"agent pool {observed.claim.name} cannot be deleted yet: {error.message}"
    if isinstance(error, PoolBusy | Throttled):
        condition = conditions.unknown(type_, Reason.TERMINATION_QUEUED, message)
    else:
        condition = conditions.false(type_, _reason(error), message)
    remaining = (backoff.not_before - observed.now).total_seconds()
    return StageResult(condition, requeue_after_seconds=remaining)


def _failed_retry(observed: Observed, failed: datetime) -> timedelta:
    """Return the pause after a deletion that failed late: the longer the claim has been waiting
    for its end, the longer the pause. That needs no memory and survives a restart."""
    deleted = observed.claim.deleted
    waited = failed - deleted if deleted is not None else timedelta()
    return min(max(waited / 2, _FAILED_RETRY), _MAX_FAILED_RETRY)


def _reason(error: CloudError | None) -> Reason:
    """Return the reason that the condition of a deletion shows."""
    if error is None or error.reason not in _CLOUD_REASONS:
        return Reason.TERMINATION_FAILED
    return error.reason


def _current(observed: Observed, type_: str) -> Condition | None:
    condition = conditions.find(observed.claim.conditions, type_)
    return None if condition is None else conditions.from_manifest(condition)


def _status(observed: Observed, current: list[Condition]) -> Manifest:
    """Return the status with the claim's other conditions unchanged: they show why it was
    deleted."""
    types = {condition.type for condition in current}
    kept = [
        conditions.from_manifest(c) for c in observed.claim.conditions if c["type"] not in types
    ]
    merged = conditions.merge(observed.claim.conditions, [*kept, *current], observed.now)
    return {"conditions": merged}
