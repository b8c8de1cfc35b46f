"""Launch: from a claim to an agent pool that exists."""

from gpu_provisioner.agent_pools import marks, pool_spec
from gpu_provisioner.agent_pools.agent_pool_profile import InvalidClaim
from gpu_provisioner.agent_pools.ownership import Ownership, has_kept_pool, may_be_collected
from gpu_provisioner.cloud.errors import PoolBusy, Throttled
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.contested_pool import contested_message
from gpu_provisioner.lifecycle.liveness import (
    creating,
    creation_message,
    failed,
    missing,
    pending,
    waiting,
)
from gpu_provisioner.lifecycle.observed import CloudBackoff, Observed
from gpu_provisioner.lifecycle.plan import CreatePool, EmitEvent, StageResult
from gpu_provisioner.offerings.selection import NoOffering
from kaito_api import conditions
from kaito_api.reasons import Reason

# A user has to act before the name is free, or garbage collection, which is faster.
_NAME_TAKEN_SECONDS, _OLD_POOL_SECONDS = 60.0, 15.0


def launch(observed: Observed) -> StageResult:
    pool = observed.pool
    if pool is None:
        return _create(observed)
    if observed.ownership is Ownership.CONTESTED:
        return _contested(observed, pool)
    if observed.ownership is not Ownership.OWN:
        return _name_taken(observed, pool)
    has_joined = observed.node is not None or observed.claim.node_name
    if has_joined or pool.state is PoolState.SUCCEEDED:
        return _launched(observed, pool)
    if pool.state.failed:
        return failed(observed, pool)
    return creating(observed, pool)


def _launched(observed: Observed, pool: Pool) -> StageResult:
    """Show that the pool exists, and how many machines it has if it is not one."""
    message = f"agent pool {pool.name} of {pool.instance_type} exists"
    if pool.count == 1 or pool.state is not PoolState.SUCCEEDED:
        return StageResult(conditions.true(_type(observed), Reason.LAUNCHED, message), done=True)
    note = f"somebody scaled agent pool {pool.name} to {pool.count} machines, and a claim is one"
    if pool.count > 1:
        note = (
            f"{note}: the others are billed too, and are drained and deleted with the claim. Scale "
            "it back to 1"
        )
    launched = conditions.true(_type(observed), Reason.LAUNCHED, f"{message}; {note}")
    return StageResult(launched, (EmitEvent("Warning", Reason.POOL_SCALED, note),), done=True)


def _create(observed: Observed) -> StageResult:
    if observed.claim.node_name:
        return missing(observed, observed.listed_at or observed.now)
    if observed.backoff is not None and observed.backoff.applies(observed.now):
        return _in_backoff(observed, observed.backoff)
    if observed.selection is None:
        return waiting(observed, "the offerings are not known yet", 1.0)
    if isinstance(observed.selection, NoOffering):
        return _no_offering(observed, observed.selection)
    try:
        if observed.claim.unreadable_fields:
            raise InvalidClaim("; ".join(observed.claim.unreadable_fields))
        first = observed.selection.candidates[0]
        spec = pool_spec.pool_spec_for(observed.claim, first, observed.cluster, observed.defaults)
    except InvalidClaim as error:
        return StageResult(
            conditions.false(_type(observed), Reason.INVALID_REQUIREMENTS, str(error))
        )
    message = creation_message(spec.name, spec.instance_type, PoolState.CREATING)
    if observed.claim.condition_since(_type(observed)) is not None:
        # The pool existed and is gone. The claim must show that before a new pool is created,
        # because termination relies on the condition.
        return waiting(observed, message, 0.1)
    if observed.left_over:
        return _wait_for_left_over(observed)
    return StageResult(pending(observed, message), (CreatePool(spec),))


def _wait_for_left_over(observed: Observed) -> StageResult:
    """Wait for Nodes of an earlier pool: they would be taken for those of the new one."""
    names = ", ".join(observed.left_over)
    message = (
        f"an earlier agent pool {observed.claim.name} is gone, and its node {names} is still "
        "Ready: the new pool is created once it is not. If that takes longer than a few minutes, "
        "look for its machine, and delete the Node"
    )
    return waiting(observed, message, _OLD_POOL_SECONDS)


def _no_offering(observed: Observed, selection: NoOffering) -> StageResult:
    """Show that nothing can be created, with one event for as long as the reason stays."""
    condition = conditions.false(_type(observed), selection.reason, selection.message)
    current = conditions.find(observed.claim.conditions, _type(observed))
    changed = current is None or current["reason"] != selection.reason
    events = (EmitEvent("Warning", selection.reason, selection.message),) if changed else ()
    return StageResult(condition, events, requeue_after_seconds=selection.requeue_after_seconds)


def _in_backoff(observed: Observed, backoff: CloudBackoff) -> StageResult:
    error = backoff.error
    remaining = (backoff.not_before - observed.now).total_seconds()
    if isinstance(error, Throttled | PoolBusy):
        condition = conditions.unknown(_type(observed), Reason.LAUNCH_QUEUED, error.message)
    else:
        condition = conditions.false(_type(observed), error.reason, error.message)
    return StageResult(condition, requeue_after_seconds=remaining)


def _contested(observed: Observed, pool: Pool) -> StageResult:
    """Show that the pool may be the claim's. A node that works goes on working, unless its pool was
    missing before: that stays visible, because ownership depends on it."""
    message = contested_message(pool, observed.claim)
    event = EmitEvent("Warning", Reason.POOL_MARKS_LOST, message)
    if has_kept_pool(observed.claim):
        launched = conditions.true(_type(observed), Reason.LAUNCHED, message)
        return StageResult(launched, (event,), done=True)
    return StageResult(
        conditions.false(_type(observed), Reason.POOL_MARKS_LOST, message),
        (event,),
        requeue_after_seconds=_NAME_TAKEN_SECONDS,
    )


def _name_taken(observed: Observed, pool: Pool) -> StageResult:
    """Show that another pool has the claim's name. Only garbage collection may delete it."""
    if observed.pool_owner:
        message = f"agent pool {pool.name} belongs to {observed.pool_owner}: use another name"
    elif observed.ownership is Ownership.OTHERS and not marks.has_uid(pool):
        message = (
            f"agent pool {pool.name} of an earlier claim of KAITO's own {marks.MANAGER} still "
            "exists: delete it or use another name"
        )
    elif observed.ownership is Ownership.OTHERS and _is_collected(observed, pool):
        message = (
            f"agent pool {pool.name} of an earlier claim still exists: it is deleted when it has "
            f"had no claim for {observed.timeouts.orphan_grace.total_seconds():.0f} s"
        )
        return waiting(observed, message, _OLD_POOL_SECONDS)
    elif observed.ownership is Ownership.OTHERS:
        message = (
            f"agent pool {pool.name} has the marks of another claim, and not those by which "
            f"{marks.MANAGER} recognizes a pool of this cluster: delete it or use another name"
        )
    else:
        message = (
            f"the cluster has an agent pool {pool.name} that {marks.MANAGER} did not create: "
            "delete it or use another name"
        )
    return StageResult(
        conditions.false(_type(observed), Reason.LAUNCH_FAILED, message),
        requeue_after_seconds=_NAME_TAKEN_SECONDS,
    )


def _is_collected(observed: Observed, pool: Pool) -> bool:
    """Return whether garbage collection deletes the pool, now or once the cluster is verified."""
    verified = observed.verifies_cluster
    return may_be_collected(pool, observed.cluster, labels_suffice=verified)


def _type(observed: Observed) -> str:
    return observed.claim.kind.launched
