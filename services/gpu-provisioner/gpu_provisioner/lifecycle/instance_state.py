"""Presence: the machine of a claim that once joined is still there.

A spot eviction takes the machine and its Node away and leaves the agent pool as it was, Succeeded
with a count of one: nothing but the missing Node tells of it. AKS brings no other machine.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import GivesUp, Step, Tell
from gpu_provisioner.lifecycle.repair import Breakage, bear
from kaito_api import conditions, labels
from kaito_api.reasons import Reason

# Azure does not give an evicted machine back; this is for a Node that was only deleted by hand.
_SPOT_TOLERATION = timedelta(minutes=1)


def lost(observed: Observed) -> Step | None:
    """What a missing Node means for a claim whose Node was there before; None where none was."""
    name = observed.claim.node_name
    if observed.node is not None or not name:
        return None
    claim, spot = observed.claim, _is_spot(observed)
    reason = Reason.SPOT_EVICTED if spot else Reason.NODE_GONE
    patience = observed.terms.node_gone_timeout
    patience = min(patience, _SPOT_TOLERATION) if spot else patience
    message = (
        f"node {name} is gone and agent pool {claim.name} is still there{_SPOT if spot else ''}. "
        f"Without its node for {patience.total_seconds():.0f} s the claim is given up and the pool "
        "deleted"
    )
    failed = conditions.false(claim.kind.registered, reason, message)
    shown = Step(failed, (Tell("Warning", reason, message),))
    verdict = replace(shown, gives_up=GivesUp.UNHEALTHY)
    return bear(observed, Breakage(_gone_since(observed), patience, verdict, lone=spot), shown)


_SPOT = ": Azure evicts spot machines when it needs them back or their price passes the limit"


def _is_spot(observed: Observed) -> bool:
    return observed.claim.labels.get(labels.CAPACITY_TYPE) == "spot"


def _gone_since(observed: Observed) -> datetime:
    """Since the claim says so itself: that outlives this process."""
    claim = observed.claim
    return claim.since(claim.kind.registered, "False") or observed.now
