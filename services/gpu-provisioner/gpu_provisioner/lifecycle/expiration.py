"""Expiry: a claim whose expireAfter has passed is replaced, as Karpenter does it."""

from gpu_provisioner.lifecycle.health_policy import judge
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import GivesUp, Step, Tell
from kaito_api.reasons import Reason


def expiry(observed: Observed) -> Step:
    claim = observed.claim
    if claim.expire_after is None:
        return Step(done=True)
    left = (claim.created + claim.expire_after - observed.now).total_seconds()
    if left > 0:
        return Step(look_again=left + 1, done=True)
    note = f"older than its expireAfter of {claim.expire_after}: it is deleted"
    verdict = Step(actions=(Tell("Normal", Reason.EXPIRED, note),), gives_up=GivesUp.EXPIRED)
    return judge(observed, verdict, Step(done=True))
