"""Reading nodes and claims: which match, which are ready, and what a claim says went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass

from kaito_api import labels
from kaito_api.conditions import ConditionStatus
from kaito_api.quantity import parse as parse_quantity
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import Manifest, is_being_deleted, labels_of
from kaito_skus.sku import GpuSet, Vendor
from workspace_controller.manifests.metadata import Owner, is_claim_of
from workspace_controller.observed import Claim

_RESOURCES = {
    Vendor.NVIDIA: labels.GPU_RESOURCE,
    Vendor.AMD: "amd.com/gpu",
    Vendor.NEURON: "aws.amazon.com/neuron",
}
# In the order of a pool's and a claim's life, in Karpenter's words of both versions.
_STAGES = (
    *("ValidationSucceeded", "NodeClassReady"),
    *("Launched", "Registered", "Initialized", "Ready"),
)


@dataclass(frozen=True, slots=True)
class ClaimTrouble:
    reason: str
    message: str


def selector_labels(spec: WorkspaceSpec) -> dict[str, str]:
    """The user's labels, without those that are the controller's own."""
    chosen = spec.resource.label_selector.labels()
    return {k: v for k, v in chosen.items() if k not in labels.RESERVED_SELECTOR_KEYS}


def gpu_limits(spec: WorkspaceSpec, gpus: GpuSet | None) -> dict[str, str]:
    """What a pod takes of a node: all its GPUs, or the part that is asked for."""
    if gpus is None or gpus.count == 0:
        return {}
    partition = spec.resource.partition
    if partition is not None and partition.mode == "mig" and partition.profile:
        return {f"nvidia.com/mig-{partition.profile}": "1"}
    if gpus.mig is not None:
        return {gpus.mig.resource: "1"}
    count = gpus.count
    if partition is not None and partition.count:
        count = min(partition.count, count)
    return {_RESOURCES[gpus.vendor]: str(count)}


def is_own(node: Manifest, owner: Owner) -> bool:
    """Whether the node was made for this Workspace: it carries its claim's labels."""
    return is_claim_of(node, owner)


def is_free(node: Manifest, wanted: Mapping[str, str], instance_type: str) -> bool:
    """Whether a node that was made for no Workspace matches, and takes pods."""
    has = labels_of(node)
    right_type = has.get(labels.INSTANCE_TYPE, "").casefold() == instance_type.casefold()
    return (
        labels.WORKSPACE not in has
        and all(has.get(key) == value for key, value in wanted.items())
        and (not instance_type or right_type)
        and not is_being_deleted(node)
        and not (node.get("spec") or {}).get("unschedulable")
    )


def is_ready(node: Manifest) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def has_gpus(node: Manifest, limits: Mapping[str, str]) -> bool:
    """Whether the node advertises what a pod is going to ask for."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    try:
        return all(parse_quantity(allocatable.get(r, 0)) >= int(n) for r, n in limits.items())
    except ValueError:
        return False


def claim_is_ready(claim: Claim) -> bool:
    """By Ready where that is said: what was initialized once may be broken now."""
    said = _conditions(claim)
    names = ("Ready",) if "Ready" in said else ("Initialized", "MachineInitialized")
    return any(said.get(name, {}).get("status") == ConditionStatus.TRUE for name in names)


def claim_trouble(claim: Claim) -> ClaimTrouble | None:
    """The first stage of the claim's life that failed, in the provisioner's own words."""
    said = _conditions(claim)
    for stage in _STAGES:
        for name in (stage, f"Machine{stage}"):
            condition = said.get(name, {})
            if condition.get("status") == ConditionStatus.FALSE and condition.get("reason"):
                message = condition.get("message") or f"{claim.kind} {claim.name}: {name} is False"
                return ClaimTrouble(condition["reason"], message)
    return None


def pool_progress(pool: Claim) -> str:
    """Why a pool may have made no claims yet."""
    name = f"{pool.kind} {pool.name}"
    if not claim_is_ready(pool):
        return f"{name} waits for a Karpenter"
    return f"{name} has no NodeClaims; Karpenter makes them with its feature gate StaticCapacity"


def claim_progress(claim: Claim) -> str:
    """What an unready claim is said to be waiting for; empty where nothing is said."""
    said = _conditions(claim)
    for stage in _STAGES:
        for name in (stage, f"Machine{stage}"):
            condition = said.get(name, {})
            if condition.get("status") == ConditionStatus.UNKNOWN and condition.get("message"):
                return str(condition["message"])
    return ""


def _conditions(claim: Claim) -> dict[str, Manifest]:
    found = (claim.manifest.get("status") or {}).get("conditions") or ()
    return {str(c.get("type")): c for c in found}
