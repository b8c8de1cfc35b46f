"""Which claim an agent pool belongs to, by its tags and never by its name."""

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool

MANAGED_BY = "kaito-managed-by"
CLAIM_UID = "kaito-claim-uid"
CLAIM_NAME = "kaito-claim"
WORKSPACE_TAG = "kaito-workspace"
CLUSTER_TAG = "kaito-cluster"
MANAGER = "gpu-provisioner"


def is_managed(pool: Pool) -> bool:
    """Whether this provisioner created the pool. A user may have given any name to a pool."""
    return pool.tags.get(MANAGED_BY) == MANAGER and CLAIM_UID in pool.tags


def belongs_to(pool: Pool, claim: Claim) -> bool:
    return is_managed(pool) and pool.tags[CLAIM_UID] == claim.uid
