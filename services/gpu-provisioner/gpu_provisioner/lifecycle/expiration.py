"""Expiration: a claim is deleted when its expireAfter has passed, as in Karpenter."""

from gpu_provisioner.lifecycle.health_policy import when_settled
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import DisruptionReason, EmitEvent, StageResult
from kaito_api.reasons import Reason


def expiration(observed: Observed) -> StageResult:
    claim = observed.claim
    if claim.expire_after is None:
        return StageResult(done=True)
    remaining = (claim.created + claim.expire_after - observed.now).total_seconds()
    if remaining > 0:
        return StageResult(requeue_after_seconds=remaining + 1, done=True)
    note = f"the claim is older than its expireAfter of {claim.expire_after} and is deleted"
    expired = StageResult(
        actions=(EmitEvent("Normal", Reason.EXPIRED, note),), disruption=DisruptionReason.EXPIRED
    )
    return when_settled(observed, expired, StageResult(done=True))
