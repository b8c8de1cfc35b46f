"""Whose agent pool it is, by its tags."""

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool

MANAGED_BY = "kaito-managed-by"
CLAIM_UID = "kaito-claim-uid"
CLAIM_NAME = "kaito-claim"
WORKSPACE_TAG = "kaito-workspace"
CLUSTER_TAG = "kaito-cluster"
US = "gpu-provisioner"


def is_managed(pool: Pool) -> bool:
    """Whether this provisioner made it: by tag, never by its name."""
    return pool.tags.get(MANAGED_BY) == US and CLAIM_UID in pool.tags


def belongs_to(pool: Pool, claim: Claim) -> bool:
    return is_managed(pool) and pool.tags[CLAIM_UID] == claim.uid
