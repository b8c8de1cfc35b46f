"""Which claim and which cluster an agent pool belongs to, by its tags and never by its name."""

from gpu_provisioner.aks_values import TAG_VALUE_LENGTH
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool

MANAGED_BY = "kaito-managed-by"
CLAIM_UID = "kaito-claim-uid"
CLAIM_NAME = "kaito-claim"
WORKSPACE_TAG = "kaito-workspace"
CLUSTER_TAG = "kaito-cluster"
MANAGER = "gpu-provisioner"


def tag(pool: Pool, name: str) -> str:
    """Return the value of a tag, empty where there is none. Names of tags have no case in ARM,
    and a policy that rewrites tags may change it."""
    if name in pool.tags:
        return pool.tags[name]
    return next((value for key, value in pool.tags.items() if key.lower() == name.lower()), "")


def claim_uid(pool: Pool) -> str:
    """Return the uid of the claim that the pool was created for, empty where it names none."""
    return tag(pool, CLAIM_UID)


def is_managed(pool: Pool) -> bool:
    """Whether this provisioner created the pool. A user may have given any name to a pool."""
    return tag(pool, MANAGED_BY) == MANAGER and claim_uid(pool) != ""


def belongs_to(pool: Pool, claim: Claim) -> bool:
    return is_managed(pool) and claim_uid(pool) == claim.uid


def names_other_cluster(pool: Pool, cluster: str) -> bool:
    """Whether the pool says that it was created for another cluster than the one of that name:
    then its claim is there, and its absence here means nothing. Names of clusters have no case."""
    named = tag(pool, CLUSTER_TAG)
    return named != "" and named.lower() != cluster[:TAG_VALUE_LENGTH].lower()
