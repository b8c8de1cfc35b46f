"""Launch: from a claim to an agent pool that exists."""

from gpu_provisioner.agent_pools import ownership, pool_spec
from gpu_provisioner.agent_pools.node_options import Unacceptable
from gpu_provisioner.cloud.errors import CloudError, PoolBusy, Queued
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.liveness import being_made, failed, making, missing, pending, waiting
from gpu_provisioner.lifecycle.observed import Observed, Setback
from gpu_provisioner.lifecycle.plan import CreatePool, Step, Tell
from gpu_provisioner.offerings.selection import Refused
from kaito_api import conditions
from kaito_api.reasons import Reason

_PAUSES = {
    Reason.SUBSCRIPTION_DISABLED: 60.0,
    Reason.CLOUD_UNAUTHORIZED: 30.0,
    Reason.CLOUD_UNAVAILABLE: 5.0,
}


def pause_after(error: CloudError) -> float:
    """Seconds until the cloud is asked again after that refusal."""
    return error.retry_after or _PAUSES.get(error.reason, 15.0)


def launch(observed: Observed) -> Step:
    pool = observed.pool
    if pool is None:
        return _create(observed)
    if not ownership.belongs_to(pool, observed.claim):
        return _name_taken(observed, pool)
    there = observed.node is not None or observed.claim.node_name
    if there or pool.state is PoolState.SUCCEEDED:
        message = f"agent pool {pool.name} of {pool.instance_type} is there"
        return Step(conditions.true(_type(observed), Reason.LAUNCHED, message), done=True)
    if pool.state.failed:
        return failed(observed, pool)
    return making(observed, pool)


def _create(observed: Observed) -> Step:
    if observed.claim.node_name:
        return missing(observed, observed.listed or observed.now)
    if observed.setback is not None and observed.now < observed.setback.not_before:
        return _set_back(observed, observed.setback)
    if observed.choice is None:
        return waiting(observed, "what may be bought is not known yet", 1.0)
    if isinstance(observed.choice, Refused):
        return _refused(observed, observed.choice)
    try:
        if observed.claim.mistakes:
            raise Unacceptable("; ".join(observed.claim.mistakes))
        first = observed.choice.candidates[0]
        spec = pool_spec.spec_of(observed.claim, first, observed.cluster, observed.defaults)
    except Unacceptable as error:
        return Step(conditions.false(_type(observed), Reason.INVALID_REQUIREMENTS, str(error)))
    message = being_made(spec.name, spec.instance_type, PoolState.CREATING)
    if observed.claim.since(_type(observed)) is not None:
        # It was there and is not any more. The claim says so before there may be another one:
        # termination goes by it.
        return waiting(observed, message, 0.1)
    return Step(pending(observed, message), (CreatePool(spec),))


def _refused(observed: Observed, refused: Refused) -> Step:
    """Before anything is asked of the cloud; told once for as long as the reason stays."""
    condition = conditions.false(_type(observed), refused.reason, refused.message)
    before = conditions.find(observed.claim.conditions, _type(observed))
    news = before is None or before["reason"] != refused.reason
    tell = (Tell("Warning", refused.reason, refused.message),) if news else ()
    return Step(condition, tell, look_again=refused.look_again)


def _set_back(observed: Observed, setback: Setback) -> Step:
    error, left = setback.error, (setback.not_before - observed.now).total_seconds()
    if isinstance(error, Queued | PoolBusy):
        queued = conditions.unknown(_type(observed), Reason.LAUNCH_QUEUED, error.message)
        return Step(queued, look_again=left)
    return Step(conditions.false(_type(observed), error.reason, error.message), look_again=left)


def _name_taken(observed: Observed, pool: Pool) -> Step:
    """Whatever it is, it is not deleted from here: garbage collection knows when it may."""
    if observed.rival:
        message = f"agent pool {pool.name} belongs to {observed.rival}: ask under another name"
    elif ownership.is_managed(pool):
        message = (
            f"agent pool {pool.name} of an earlier claim is in the way: it is deleted when it has "
            f"had no claim for {observed.terms.orphan_grace.total_seconds():.0f} s"
        )
        return waiting(observed, message, 15.0)
    else:
        message = (
            f"the cluster has an agent pool {pool.name} that {ownership.US} did not make: "
            "delete it or ask under another name"
        )
    return Step(conditions.false(_type(observed), Reason.LAUNCH_FAILED, message), look_again=60.0)


def _type(observed: Observed) -> str:
    return observed.claim.kind.launched
