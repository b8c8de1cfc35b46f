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
    name = observed.claim.node_name
    if observed.node is not None or not name:
        return None
    claim, spot = observed.claim, _is_spot(observed)
    reason = Reason.SPOT_EVICTED if spot else Reason.NODE_GONE
    toleration = observed.timeouts.node_gone_timeout
    toleration = min(toleration, _SPOT_TOLERATION) if spot else toleration
    message = (
        f"node {name} is gone and agent pool {claim.name} still exists"
        f"{_SPOT_NOTE if spot else ''}. Claim and pool are deleted if the node stays away for "
        f"{toleration.total_seconds():.0f} s"
    )
    gone = conditions.false(claim.kind.registered, reason, message)
    result = StageResult(gone, (EmitEvent("Warning", reason, message),))
    outcome = replace(result, disruption=DisruptionReason.UNHEALTHY)
    failure = NodeFailure(_gone_since(observed), toleration, outcome, single_node=spot)
    return tolerate(observed, failure, result)


def _is_spot(observed: Observed) -> bool:
    return observed.claim.labels.get(labels.CAPACITY_TYPE) == "spot"


def _gone_since(observed: Observed) -> datetime:
    """Return since when the claim's own condition shows it, which survives a restart."""
    claim = observed.claim
    return claim.condition_since(claim.kind.registered, "False") or observed.now
