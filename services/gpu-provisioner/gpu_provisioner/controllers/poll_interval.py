"""How often the agent pools are listed, and which claims wait for a listing. Pure."""

from datetime import datetime, timedelta

from gpu_provisioner.claims.claim import ClaimKind, is_managed
from kaito_api import conditions
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, is_being_deleted

MIN_SECONDS, MAX_SECONDS, IDLE_SECONDS = 1.5, 10.0, 120.0
# The interval is an eighth of the time waited so far, so the end of an operation is seen within
# an eighth of its duration, and an operation of minutes costs dozens of listings, not hundreds.
_DIVISOR = 8
# Claims that wait for these can wait for a listing at the idle interval.
_PATIENT = frozenset({Reason.LAUNCH_TIMEOUT, Reason.POOL_MISSING})


def interval_seconds(now: datetime, busy_since: datetime | None) -> float:
    """Return the seconds until the next listing. `busy_since` is when the last wait began or the
    last pool changed, or None while no claim waits."""
    if busy_since is None:
        return IDLE_SECONDS
    waited = (now - busy_since) / timedelta(seconds=1)
    return min(max(waited / _DIVISOR, MIN_SECONDS), MAX_SECONDS)


def waits_for_cloud(kind: ClaimKind, claim: Manifest) -> bool:
    """Return whether the next listing may finish the claim's wait: its pool is being created or
    deleted. A claim that was refused, that drains, that waits for its node or that another
    controller serves needs none."""
    if not is_managed(claim):
        return False
    current = (claim.get("status") or {}).get("conditions") or ()
    if is_being_deleted(claim):
        drained = conditions.find(current, kind.drained)
        return drained is None or conditions.find(current, kind.instance_terminating) is not None
    launched = conditions.find(current, kind.launched)
    is_patient = launched is not None and launched["reason"] in _PATIENT
    return not is_patient and (launched is None or launched["status"] == "Unknown")
