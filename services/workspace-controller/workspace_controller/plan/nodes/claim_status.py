"""Reads the status of a claim: whether it is ready, what it waits for, and what failed."""

from dataclasses import dataclass

from kaito_api.conditions import ConditionStatus
from kaito_kube.kinds import Kind, Manifest
from workspace_controller.observed import Claim

# In the order of a pool's and a claim's life, in Karpenter's words of both versions.
_STAGES = (
    *("ValidationSucceeded", "NodeClassReady"),
    *("Launched", "Registered", "Initialized", "Ready"),
)


@dataclass(frozen=True, slots=True)
class Failure:
    reason: str
    message: str


def claim_is_ready(claim: Claim) -> bool:
    """By Ready where that is said: what was initialized once may be broken now."""
    said = _conditions(claim)
    names = ("Ready",) if "Ready" in said else ("Initialized", "MachineInitialized")
    return any(said.get(name, {}).get("status") == ConditionStatus.TRUE for name in names)


def claim_failure(claim: Claim) -> Failure | None:
    """The first stage of the claim's life that failed, in the provisioner's own words."""
    said = _conditions(claim)
    for stage in _STAGES:
        for name in (stage, f"Machine{stage}"):
            condition = said.get(name, {})
            if condition.get("status") == ConditionStatus.FALSE and condition.get("reason"):
                message = condition.get("message") or f"{claim.kind} {claim.name}: {name} is False"
                return Failure(condition["reason"], message)
    return None


def claim_progress(claim: Claim) -> str:
    """What an unready claim is said to be waiting for; empty where nothing is said."""
    said = _conditions(claim)
    for stage in _STAGES:
        for name in (stage, f"Machine{stage}"):
            condition = said.get(name, {})
            if condition.get("status") == ConditionStatus.UNKNOWN and condition.get("message"):
                return str(condition["message"])
    return ""


def pool_progress(pool: Claim) -> str:
    """Why a pool may have made no claims yet."""
    name = f"{pool.kind} {pool.name}"
    if not claim_is_ready(pool):
        return f"{name} waits for a Karpenter"
    return f"{name} has no NodeClaims; Karpenter makes them with its feature gate StaticCapacity"


def missing_kind_message(kind: Kind) -> str:
    return f"the cluster knows no {kind} ({kind.api_version})"


def _conditions(claim: Claim) -> dict[str, Manifest]:
    found = (claim.manifest.get("status") or {}).get("conditions") or ()
    return {str(c.get("type")): c for c in found}
