"""Instance state: whether the machine of a claim that once joined still exists.

When Azure evicts a spot machine, the machine and its Node disappear, and the agent pool stays
Succeeded with a count of one. Only the missing Node shows it. AKS does not replace the machine.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import DisruptionReason, EmitEvent, StageResult
from gpu_provisioner.lifecycle.repair import NodeFailure, tolerate
from kaito_api import conditions, labels
from kaito_api.reasons import Reason

# Azure never returns an evicted machine. This covers a Node that somebody only deleted by hand.
_SPOT_TOLERATION = timedelta(minutes=1)
_SPOT_NOTE = ": Azure evicts spot machines when it needs them back or their price exceeds the limit"


def instance_gone(observed: Observed) -> StageResult | None:
    """Return the result for a claim whose Node existed and is missing, or None where no Node has
    joined yet."""
    if observed.node is not None or not observed.claim.node_name:
        return None
    claim, reason = observed.claim, _reason(observed)
    spot, toleration = reason is Reason.SPOT_EVICTED, observed.timeouts.node_gone_timeout
    toleration = min(toleration, _SPOT_TOLERATION) if spot else toleration
    message = _message(observed, reason, toleration)
    gone = conditions.false(claim.kind.registered, reason, message)
    result = StageResult(gone, (EmitEvent("Warning", reason, message),))
    outcome = replace(result, disruption=DisruptionReason.UNHEALTHY)
    failure = NodeFailure(_gone_since(observed), toleration, outcome, single_node=spot)
    return tolerate(observed, failure, result)


def _reason(observed: Observed) -> Reason:
    """Return why the Node is missing. An eviction leaves the pool's count at one."""
    pool = observed.pool
    if pool is not None and pool.count == 0:
        return Reason.POOL_SCALED
    # The claim gets its label from the Node, which may be gone before that.
    is_labeled = observed.claim.labels.get(labels.CAPACITY_TYPE) == "spot"
    is_spot = is_labeled or (pool is not None and pool.spot)
    return Reason.SPOT_EVICTED if is_spot else Reason.NODE_GONE


def _message(observed: Observed, reason: Reason, toleration: timedelta) -> str:
    claim, seconds = observed.claim, f"{toleration.total_seconds():.0f} s"
    if reason is Reason.POOL_SCALED:
        return (
            f"node {claim.node_name} is gone, because somebody scaled agent pool {claim.name} to 0 "
            f"machines. Scale it back to 1, or claim and pool are deleted after {seconds}"
        )
    note = _SPOT_NOTE if reason is Reason.SPOT_EVICTED else ""
    return (
        f"node {claim.node_name} is gone and agent pool {claim.name} still exists{note}. Claim and "
        f"pool are deleted if the node stays away for {seconds}"
    )


def _gone_since(observed: Observed) -> datetime:
    """Return since when the claim's own condition shows it, which survives a restart."""
    claim = observed.claim
    return claim.condition_since(claim.kind.registered, "False") or observed.now
