"""Liveness of a claim's agent pool: whether it is late, has failed for good, or is missing."""

from dataclasses import replace
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import LaunchRefused
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.health_policy import counted_from, judge, steady_from, while_awake
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import ConfirmGone, DiscardPool, GivesUp, Step, Tell
from kaito_api import conditions
from kaito_api.conditions import Condition
from kaito_api.reasons import Reason

# A pool whose operation failed may still bring its machine up: it is replaced only after this.
FAILED_POOL_GRACE = timedelta(minutes=2)


def being_made(name: str, instance_type: str, state: PoolState) -> str:
    """The same before the cloud has answered and after: one write of the status for both."""
    return f"agent pool {name} of {instance_type}: {state.value}"


def making(observed: Observed, pool: Pool) -> Step:
    """An operation is under way. One that takes too long is told, and waited for all the same:
    AKS refuses others until it ends."""
    message = being_made(pool.name, pool.instance_type, pool.state)
    since = observed.claim.since(observed.claim.kind.launched, "Unknown")
    if since is None or pool.state is PoolState.DELETING:
        return waiting(observed, message, None)
    longest = observed.terms.launch_timeout
    late = (
        f"{message} for more than {longest.total_seconds() / 60:.0f} min: it is replaced if AKS "
        "ends that without a machine. Look at the pool's activity log"
    )
    told = Step(
        conditions.unknown(observed.claim.kind.launched, Reason.LAUNCH_TIMEOUT, late),
        (Tell("Warning", Reason.LAUNCH_TIMEOUT, late),),
    )
    if (
        observed.claim.since(observed.claim.kind.launched, "Unknown", Reason.LAUNCH_TIMEOUT)
        is not None
    ):
        return told
    left = (counted_from(observed, since) + longest - observed.now).total_seconds()
    if left > 0:
        return waiting(observed, message, left + 1)
    return judge(observed, told, waiting(observed, message, None))


def failed(observed: Observed, pool: Pool) -> Step:
    error = pool.error or LaunchRefused(
        Reason.LAUNCH_FAILED, f"agent pool {pool.name} ended {pool.state.value}"
    )
    told = Step(
        conditions.false(observed.claim.kind.launched, error.reason, error.message),
        look_again=FAILED_POOL_GRACE.total_seconds() / 4,
    )
    since = observed.claim.since(observed.claim.kind.launched, "False")
    if since is None or observed.now < counted_from(observed, since) + FAILED_POOL_GRACE:
        return told
    note = f"agent pool {pool.name} failed and no machine of it joined: it is replaced"
    actions = (Tell("Warning", error.reason, note), DiscardPool(pool.name))
    return judge(observed, replace(told, actions=actions, look_again=1.0), told)


def missing(observed: Observed, listed: datetime) -> Step:
    """The pool of a machine that worked is not in the newest listing. One listing may be wrong:
    another that is asked for a grace period later must say the same, and then the cloud, asked
    for this pool alone."""
    claim, grace = observed.claim, observed.terms.orphan_grace
    message = f"the cloud lists no agent pool {claim.name}, whose machine has worked"
    shown = Step(conditions.unknown(observed.claim.kind.launched, Reason.POOL_MISSING, message))
    since = claim.since(observed.claim.kind.launched, "Unknown", Reason.POOL_MISSING)
    if since is None:
        return replace(shown, look_again=grace.total_seconds())
    left = (steady_from(observed, since) + grace - listed).total_seconds()
    if left > 0:
        return while_awake(observed, replace(shown, look_again=left + 1))
    note = f"agent pool {claim.name} was deleted by someone else; the claim is given up"
    verdict = Step(
        conditions.false(observed.claim.kind.launched, Reason.POOL_MISSING, note),
        (ConfirmGone(claim.name), Tell("Warning", Reason.POOL_MISSING, note)),
        gives_up=GivesUp.GARBAGE,
    )
    return judge(observed, verdict, shown)


def waiting(observed: Observed, message: str, look_again: float | None) -> Step:
    return Step(pending(observed, message), look_again=look_again)


def pending(observed: Observed, message: str) -> Condition:
    return conditions.unknown(observed.claim.kind.launched, Reason.LAUNCH_PENDING, message)
