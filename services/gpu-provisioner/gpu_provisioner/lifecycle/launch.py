"""Launch: from a claim to an agent pool that exists."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gpu_provisioner import agent_pools
from gpu_provisioner.cloud import CloudError, LaunchRefused, Pool, PoolBusy, PoolState, Queued
from gpu_provisioner.lifecycle.observed import Observed, Setback
from gpu_provisioner.lifecycle.plan import CreatePool, DeleteClaim, DeletePool, Step, Tell
from gpu_provisioner.node_options import Unacceptable
from gpu_provisioner.offerings.choice import Refused
from kaito_api import conditions
from kaito_api.conditions import Condition, parse_time

# A pool whose operation failed may still bring its machine up: it is replaced only after this.
FAILED_POOL_GRACE = timedelta(minutes=2)

_PAUSES = {
    "SubscriptionDisabled": 60.0,
    "CloudUnauthorized": 30.0,
    "CloudUnavailable": 5.0,
}


def pause_after(error: CloudError) -> float:
    """Seconds until the cloud is asked again after that refusal."""
    return error.retry_after or _PAUSES.get(error.reason, 15.0)


def launch(observed: Observed) -> Step:
    pool = observed.pool
    if not observed.pools_known:
        return _waiting(observed, "the cloud's agent pools are not known yet", 2.0)
    if pool is None:
        return _create(observed)
    if not agent_pools.belongs_to(pool, observed.claim):
        return _name_taken(observed, pool)
    if pool.state is PoolState.SUCCEEDED or observed.node is not None:
        message = f"agent pool {pool.name} of {pool.instance_type} is there"
        return Step(conditions.true(_type(observed), "Launched", message), done=True)
    if pool.state in (PoolState.FAILED, PoolState.CANCELED):
        return _failed(observed, pool)
    return _waiting(observed, _being_made(pool.name, pool.instance_type, pool.state), None)


def _being_made(name: str, instance_type: str, state: PoolState) -> str:
    """The same before the cloud has answered and after: one write of the status for both."""
    return f"agent pool {name} of {instance_type}: {state.value}"


def _create(observed: Observed) -> Step:
    if observed.claim.since(observed.claim.kind.initialized) is not None:
        return _lost(observed)
    if observed.setback is not None and observed.now < observed.setback.not_before:
        return _set_back(observed, observed.setback)
    if observed.choice is None:
        return _waiting(observed, "what may be bought is not known yet", 1.0)
    if isinstance(observed.choice, Refused):
        return _refused(observed, observed.choice)
    try:
        first = observed.choice.candidates[0]
        spec = agent_pools.spec_of(observed.claim, first, observed.cluster, observed.defaults)
    except Unacceptable as error:
        return Step(conditions.false(_type(observed), "InvalidRequirements", str(error)))
    message = _being_made(spec.name, spec.instance_type, PoolState.CREATING)
    return Step(_pending(observed, message), (CreatePool(spec),))


def _refused(observed: Observed, refused: Refused) -> Step:
    """Before anything is asked of the cloud; told once for as long as the reason stays."""
    failed = conditions.false(_type(observed), refused.reason, refused.message)
    before = _found(observed)
    news = before is None or before["reason"] != refused.reason
    tell = (Tell("Warning", refused.reason, refused.message),) if news else ()
    return Step(failed, tell, look_again=refused.look_again)


def _lost(observed: Observed) -> Step:
    """The pool of a working node is gone: the claim cannot be what it was."""
    note = f"agent pool {observed.claim.name} was deleted by someone else; the claim is given up"
    failed = conditions.false(_type(observed), "LaunchFailed", note)
    return Step(failed, (Tell("Warning", "LaunchFailed", note), DeleteClaim()))


def _set_back(observed: Observed, setback: Setback) -> Step:
    error, left = setback.error, (setback.not_before - observed.now).total_seconds()
    if isinstance(error, Queued | PoolBusy):
        queued = conditions.unknown(_type(observed), "LaunchQueued", error.message)
        return Step(queued, look_again=left)
    return Step(conditions.false(_type(observed), error.reason, error.message), look_again=left)


def _name_taken(observed: Observed, pool: Pool) -> Step:
    if agent_pools.is_managed(pool):
        message = f"agent pool {pool.name} of an earlier claim is deleted first"
        actions = () if pool.state.in_flight else (DeletePool(pool.name),)
        return Step(_pending(observed, message), actions, look_again=5.0)
    message = (
        f"the cluster has an agent pool {pool.name} that {agent_pools.US} did not make: "
        "delete it or ask under another name"
    )
    return Step(conditions.false(_type(observed), "LaunchFailed", message), look_again=60.0)


def _failed(observed: Observed, pool: Pool) -> Step:
    error = pool.error or LaunchRefused(
        "LaunchFailed", f"agent pool {pool.name} ended {pool.state.value}"
    )
    failed = conditions.false(_type(observed), error.reason, error.message)
    since = _failing_since(observed)
    if since is None or observed.now < parse_time(since) + FAILED_POOL_GRACE:
        return Step(failed, look_again=FAILED_POOL_GRACE.total_seconds() / 4)
    note = f"agent pool {pool.name} failed and no machine of it joined: it is replaced"
    return Step(failed, (Tell("Warning", error.reason, note), DeletePool(pool.name)))


def _failing_since(observed: Observed) -> str | None:
    found = _found(observed)
    return found["lastTransitionTime"] if found and found["status"] == "False" else None


def _found(observed: Observed) -> Mapping[str, Any] | None:
    """The condition as it was last written."""
    status = observed.claim.manifest.get("status") or {}
    return conditions.find(status.get("conditions") or (), _type(observed))


def _waiting(observed: Observed, message: str, look_again: float | None) -> Step:
    return Step(_pending(observed, message), look_again=look_again)


def _pending(observed: Observed, message: str) -> Condition:
    return conditions.unknown(_type(observed), "LaunchPending", message)


def _type(observed: Observed) -> str:
    return observed.claim.kind.launched
