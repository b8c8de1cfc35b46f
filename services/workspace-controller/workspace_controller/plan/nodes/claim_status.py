"""Reads the status of a claim: whether it is ready, what it waits for, and what failed."""

from collections.abc import Iterator
from dataclasses import dataclass

from kaito_api.conditions import ConditionStatus
from kaito_kube.kinds import Kind, Manifest
from workspace_controller.observed import Claim

# Condition types in the order of a claim's life. NodePools have the first two. The conditions of
# a Machine (v1alpha5) can carry the prefix "Machine".
_STAGES = (
    *("ValidationSucceeded", "NodeClassReady"),
    *("Launched", "Registered", "Initialized", "Ready"),
)
# Those of a claim's end, the last one first.
_ENDING_STAGES = ("InstanceTerminating", "VolumesDetached", "Drained")


@dataclass(frozen=True, slots=True)
class ClaimFailure:
    """`reason` is the provisioner's: any controller that implements Karpenter's API chooses it."""

    reason: str
    message: str


def claim_is_ready(claim: Claim) -> bool:
    """Follows Ready where it is reported, because a claim that was initialized can break later."""
    conditions = _conditions(claim)
    names = ("Ready",) if "Ready" in conditions else ("Initialized", "MachineInitialized")
    return any(conditions.get(name, {}).get("status") == ConditionStatus.TRUE for name in names)


def claim_failure(claim: Claim) -> ClaimFailure | None:
    """The first stage of the claim's life that failed, in the provisioner's own words."""
    for name, condition in _stages(claim):
        if condition.get("status") == ConditionStatus.FALSE and condition.get("reason"):
            message = condition.get("message") or f"condition {name} is False without a message"
            return ClaimFailure(condition["reason"], message)
    return None


def claim_progress(claim: Claim) -> str:
    """What an unready claim waits for; empty while it does not report anything."""
    for _, condition in _stages(claim):
        if condition.get("status") == ConditionStatus.UNKNOWN and condition.get("message"):
            return str(condition["message"])
    return ""


def deletion_obstacle(claim: Claim) -> ClaimFailure | None:
    """What holds the deletion of a claim up, in the provisioner's own words."""
    condition = _ending(claim)
    if condition.get("status") == ConditionStatus.FALSE and condition.get("reason"):
        return ClaimFailure(condition["reason"], condition.get("message") or condition["reason"])
    return None if condition else claim_failure(claim)


def deletion_progress(claim: Claim) -> str:
    """How far the deletion of a claim is; empty while it does not report anything."""
    return str(_ending(claim).get("message") or "")


def pool_progress(pool: Claim) -> str:
    """Why a NodePool may not have created any NodeClaim yet."""
    name = f"{pool.kind} {pool.name}"
    if not claim_is_ready(pool):
        return f"{name} is not Ready: check that Karpenter is running"
    return f"{name} has no NodeClaims: enable Karpenter's feature gate StaticCapacity"


def missing_kind_message(kind: Kind) -> str:
    """What to do about a cluster that does not serve a kind of claim."""
    return (
        f"the cluster does not serve {kind} ({kind.api_version}): install gpu-provisioner or "
        "Karpenter, or set nodeProvisioner to byo"
    )


def _stages(claim: Claim) -> Iterator[tuple[str, Manifest]]:
    """The claim's conditions in the order of its life."""
    conditions = _conditions(claim)
    for stage in _STAGES:
        for name in (stage, f"Machine{stage}"):
            if name in conditions:
                yield name, conditions[name]


def _ending(claim: Claim) -> Manifest:
    """The last stage of its end that the claim has reached; empty before the first."""
    conditions = _conditions(claim)
    names = (name for stage in _ENDING_STAGES for name in (stage, f"Machine{stage}"))
    return next((conditions[name] for name in names if name in conditions), {})


def _conditions(claim: Claim) -> dict[str, Manifest]:
    conditions = (claim.manifest.get("status") or {}).get("conditions") or ()
    return {str(c.get("type")): c for c in conditions}
