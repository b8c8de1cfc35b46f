"""The marks by which an agent pool is recognized: its tags and its node labels. Pure.

Both are set when the pool is created. Policies and `az aks nodepool update` can replace either, so
each says everything that is needed, and what is lost is put back.
"""

from gpu_provisioner.aks_values import TAG_VALUE_LENGTH
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool
from kaito_api import labels

MANAGED_BY = "kaito-managed-by"
CLAIM_UID = "kaito-claim-uid"
CLAIM_NAME = "kaito-claim"
CLAIM_KIND = "kaito-claim-kind"
WORKSPACE_TAG = "kaito-workspace"
CLUSTER_TAG = "kaito-cluster"
MANAGER = "gpu-provisioner"


def tag(pool: Pool, name: str) -> str:
    """Return the value of a tag, empty where there is none. Names of tags have no case in ARM,
    and a policy that rewrites tags may change it."""
    if name in pool.tags:
        return pool.tags[name]
    return next((value for key, value in pool.tags.items() if key.lower() == name.lower()), "")


def uid_by_tag(pool: Pool) -> str:
    """Return the uid of the claim that the tags name, empty where they name none."""
    return tag(pool, CLAIM_UID)


def uid_by_label(pool: Pool) -> str:
    """Return the uid of the claim that the node labels name, empty where they name none."""
    return pool.labels.get(labels.CLAIM_UID, "")


def has_uid(pool: Pool) -> bool:
    """Return whether any mark names a claim."""
    return bool(uid_by_label(pool) or uid_by_tag(pool))


def birth(claim: Claim) -> str:
    """Return when the claim was created, as a node label. KAITO's gpu-provisioner writes the same
    label in the same form, and no other mark."""
    return claim.created.strftime("%Y-%m-%dT%H-%M-%SZ")


def marks_of(claim: Claim, cluster: str) -> Marks:
    """Return all marks of the claim's pool in the cluster of that name."""
    tags = {
        MANAGED_BY: MANAGER,
        CLUSTER_TAG: cluster,
        CLAIM_NAME: claim.name,
        CLAIM_UID: claim.uid,
        WORKSPACE_TAG: claim.workspace,
    }
    return Marks(
        tags={name: value[:TAG_VALUE_LENGTH] for name, value in tags.items()},
        labels={labels.CLAIM_UID: claim.uid, labels.CREATION_TIMESTAMP: birth(claim)},
    )


def lost_marks(pool: Pool, claim: Claim, cluster: str) -> Marks:
    """Return the marks that the claim's pool should have and lacks, or has with another value."""
    wanted = marks_of(claim, cluster)
    return Marks(
        tags={name: value for name, value in wanted.tags.items() if tag(pool, name) != value},
        labels={k: value for k, value in wanted.labels.items() if pool.labels.get(k) != value},
    )
