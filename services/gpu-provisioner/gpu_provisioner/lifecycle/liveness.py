"""Liveness of a claim's agent pool: whether it is late, has failed for good, or is missing."""

from dataclasses import replace
from datetime import datetime, timedelta

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.errors import LaunchRefused
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.health_policy import (
    failing_since,
    note_if_unsteady,
    timeout_start,
    when_settled,
)
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import (
    ConfirmPoolGone,
    DeleteFailedPool,
    DisruptionReason,
    EmitEvent,
    StageResult,
)
from kaito_api import conditions
from kaito_api.conditions import Condition
from kaito_api.reasons import Reason

# The machine of a pool whose operation failed may still join, so the pool is replaced only after
# this time.
FAILED_POOL_GRACE = timedelta(minutes=2)


def creation_message(name: str, instance_type: str, state: PoolState) -> str:
    """Return the message before and after the cloud's response. It is the same for both, so that
    the status is written once."""
    return f"agent pool {name} of {instance_type}: {state.value}"


def creating(observed: Observed, pool: Pool) -> StageResult:
    """Wait for the operation. After the launch timeout that is reported, and the wait continues,
    because AKS rejects every other operation on the pool."""
    message = creation_message(pool.name, pool.instance_type, pool.state)
    since = observed.claim.condition_since(observed.claim.kind.launched, "Unknown")
    if since is None or pool.state is PoolState.DELETING:
        return waiting(observed, message, None)
    timeout = observed.timeouts.launch_timeout
    note = (
        f"{message} for more than {timeout.total_seconds() / 60:.0f} min: the pool is replaced if "
        "AKS ends the operation without a machine. Check the pool's activity log"
    )
    late = StageResult(
        conditions.unknown(observed.claim.kind.launched, Reason.LAUNCH_TIMEOUT, note),
        (EmitEvent("Warning", Reason.LAUNCH_TIMEOUT, note),),
    )
    launched = observed.claim.kind.launched
    if observed.claim.condition_since(launched, "Unknown", Reason.LAUNCH_TIMEOUT) is not None:
        return late
    remaining = (timeout_start(observed, since) + timeout - observed.now).total_seconds()
    if remaining > 0:
        return waiting(observed, message, remaining + 1)
    return when_settled(observed, late, waiting(observed, message, None))


def failed(observed: Observed, pool: Pool) -> StageResult:
    """Show why the operation failed. Replace the pool if its machine has not joined in time."""
    error = pool.error or LaunchRefused(
        Reason.LAUNCH_FAILED, f"agent pool {pool.name} ended as {pool.state.value}"
    )
    result = StageResult(
        conditions.false(observed.claim.kind.launched, error.reason, error.message),
        requeue_after_seconds=FAILED_POOL_GRACE.total_seconds() / 4,
    )
    since = observed.claim.condition_since(observed.claim.kind.launched, "False")
    if since is None or observed.now < timeout_start(observed, since) + FAILED_POOL_GRACE:
        return result
    note = f"agent pool {pool.name} failed and its machine did not join: the pool is replaced"
    actions = (EmitEvent("Warning", error.reason, note), DeleteFailedPool(pool.name))
    replaced = replace(result, actions=actions, requeue_after_seconds=1.0)
    return when_settled(observed, replaced, result)


def may_delete_failed(pool: Pool, claim: Claim) -> bool:
    """Return whether the pool, read again, is still the claim's and still failed."""
    return pool.state.failed and ownership.belongs_to(pool, claim)


def missing(observed: Observed, listed_at: datetime) -> StageResult:
    """Handle the missing pool of a machine that worked. A single listing may be wrong: another
    one, requested a grace period later, must confirm it, and then a request for the pool
    itself."""
    claim, grace = observed.claim, observed.timeouts.orphan_grace
    message = f"the cloud lists no agent pool {claim.name}, although its machine worked"
    result = StageResult(conditions.unknown(claim.kind.launched, Reason.POOL_MISSING, message))
    since = claim.condition_since(claim.kind.launched, "Unknown", Reason.POOL_MISSING)
    if since is None:
        return replace(result, requeue_after_seconds=grace.total_seconds())
    remaining = (failing_since(observed, since) + grace - listed_at).total_seconds()
    if remaining > 0:
        return note_if_unsteady(observed, replace(result, requeue_after_seconds=remaining + 1))
    note = f"agent pool {claim.name} was deleted by someone else; the claim is deleted"
    gone = StageResult(
        conditions.false(claim.kind.launched, Reason.POOL_MISSING, note),
        (ConfirmPoolGone(claim.name), EmitEvent("Warning", Reason.POOL_MISSING, note)),
        disruption=DisruptionReason.GARBAGE,
    )
    return when_settled(observed, gone, result)


def waiting(observed: Observed, message: str, requeue_after_seconds: float | None) -> StageResult:
    return StageResult(pending(observed, message), requeue_after_seconds=requeue_after_seconds)


def pending(observed: Observed, message: str) -> Condition:
    return conditions.unknown(observed.claim.kind.launched, Reason.LAUNCH_PENDING, message)
