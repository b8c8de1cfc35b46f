"""Presence: the machine of a claim that once joined is still there.

A spot eviction takes the machine and its Node away and leaves the agent pool as it was, Succeeded
with a count of one: nothing but the missing Node tells of it. AKS brings no other machine.
"""

from datetime import datetime, timedelta

from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import DeleteClaim, Step, Tell
from gpu_provisioner.offerings.keys import CAPACITY_TYPE
from kaito_api import conditions
from kaito_api.conditions import parse_time

# Azure does not give an evicted machine back; this is for a Node that was only deleted by hand.
_SPOT_TOLERATION = timedelta(minutes=1)


def lost(observed: Observed) -> Step | None:
    """What a missing Node means for a claim whose Node was there before; None where none was."""
    name = (observed.claim.manifest.get("status") or {}).get("nodeName")
    if observed.node is not None or not name:
        return None
    claim, spot = observed.claim, _is_spot(observed)
    reason = "SpotEvicted" if spot else "NodeGone"
    patience = observed.terms.node_gone_timeout
    patience = min(patience, _SPOT_TOLERATION) if spot else patience
    message = (
        f"node {name} is gone and agent pool {claim.name} is still there{_SPOT if spot else ''}. "
        f"Without its node for {patience.total_seconds():.0f} s the claim is given up and the pool "
        "deleted"
    )
    failed = conditions.false(claim.kind.registered, reason, message)
    left = (_gone_since(observed) + patience - observed.now).total_seconds()
    told = Tell("Warning", reason, message)
    if left > 0:
        return Step(failed, (told,), look_again=left)
    return Step(failed, (told, DeleteClaim()))


_SPOT = ": Azure evicts spot machines when it needs them back or their price passes the limit"


def _is_spot(observed: Observed) -> bool:
    return observed.claim.labels.get(CAPACITY_TYPE) == "spot"


def _gone_since(observed: Observed) -> datetime:
    """Since the claim says so itself: that outlives this process."""
    status = observed.claim.manifest.get("status") or {}
    said = conditions.find(status.get("conditions") or (), observed.claim.kind.registered)
    if said is None or said["status"] != "False":
        return observed.now
    return parse_time(said["lastTransitionTime"])
