"""From a claim to the agent pool that it asks for. Pure."""

import re

from gpu_provisioner.claim import Claim
from gpu_provisioner.cloud import Pool, PoolSpec
from gpu_provisioner.offerings import size_names
from gpu_provisioner.offerings.preflight import Candidate
from kaito_api import labels, quantity

MANAGED_BY = "kaito-managed-by"
CLAIM_UID = "kaito-claim-uid"
CLAIM_NAME = "kaito-claim"
WORKSPACE_TAG = "kaito-workspace"
CLUSTER_TAG = "kaito-cluster"
US = "gpu-provisioner"

_NAME = re.compile(r"^[a-z][a-z0-9]{0,11}$")
_OS_SKUS = {"ubuntu": "Ubuntu", "azurelinux": "AzureLinux"}
# Node labels that AKS sets or keeps for itself: it refuses a pool that asks for them.
_AKS_OWN = ("kubernetes.azure.com/", "kubernetes.io/", "node.kubernetes.io/", "beta.kubernetes.io/",
            "topology.kubernetes.io/")  # fmt: skip


class Unacceptable(ValueError):
    """The claim asks for what no agent pool can be; says which field, its value and the remedy."""


def spec_of(claim: Claim, chosen: Candidate, cluster: str) -> PoolSpec:
    """The pool for that claim of that machine. Raises Unacceptable."""
    if not _NAME.match(claim.name):
        raise Unacceptable(
            f"metadata.name {claim.name!r} cannot name an agent pool: it must be 1 to 12 of a-z "
            "and 0-9 and begin with a letter"
        )
    return PoolSpec(
        name=claim.name,
        instance_type=chosen.instance_type,
        os_disk_gib=_disk(claim),
        os_sku=_os_sku(claim),
        labels=_labels(claim, chosen.instance_type),
        taints=tuple(str(taint) for taint in (*claim.taints, *claim.startup_taints)),
        tags=_tags(claim, cluster),
        zones=chosen.zones,
        spot=chosen.spot,
    )


def is_managed(pool: Pool) -> bool:
    """Whether this provisioner made it: by tag, never by its name."""
    return pool.tags.get(MANAGED_BY) == US and CLAIM_UID in pool.tags


def belongs_to(pool: Pool, claim: Claim) -> bool:
    return is_managed(pool) and pool.tags[CLAIM_UID] == claim.uid


def _disk(claim: Claim) -> int | None:
    """Whole GiB; None lets AKS choose. A bare number below 4096 means GiB, as Machines of the
    first days meant it."""
    text = claim.requests.get("storage", "0")
    try:
        value = quantity.parse(text)
    except ValueError as error:
        raise Unacceptable(f"spec.resources.requests.storage: {error}") from error
    if value == 0:
        return None
    size = int(value) if value < 4096 else quantity.gib(text)
    if not 30 <= size <= 2048:
        raise Unacceptable(
            f"spec.resources.requests.storage {text!r} is {size} GiB: AKS takes 30 to 2048"
        )
    return size


def _os_sku(claim: Claim) -> str:
    family = claim.annotations.get(labels.NODE_IMAGE_FAMILY, "ubuntu")
    if family.lower() not in _OS_SKUS:
        raise Unacceptable(
            f"annotation {labels.NODE_IMAGE_FAMILY} {family!r}: use {' or '.join(_OS_SKUS)}"
        )
    return _OS_SKUS[family.lower()]


def _labels(claim: Claim, instance_type: str) -> dict[str, str]:
    own = {k: v for k, v in claim.labels.items() if not k.startswith(_AKS_OWN)}
    return {
        **own,
        labels.MACHINE_TYPE: "gpu" if size_names.has_gpus(instance_type) else "cpu",
        labels.CREATION_TIMESTAMP: claim.created.strftime("%Y-%m-%dT%H-%M-%SZ"),
    }


def _tags(claim: Claim, cluster: str) -> dict[str, str]:
    return {
        MANAGED_BY: US,
        CLUSTER_TAG: cluster,
        CLAIM_NAME: claim.name,
        CLAIM_UID: claim.uid,
        WORKSPACE_TAG: claim.workspace,
    }
