"""What a user reads about a pool that may be the claim's and may be somebody else's."""

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool
from kaito_api import labels


def contested_message(pool: Pool, claim: Claim) -> str:
    """Return why the pool is neither used nor deleted, and what to do."""
    other = marks.uid_by_label(pool)
    if other:
        why = (
            f"its tag {marks.CLAIM_UID} names this claim, and its node label {labels.CLAIM_UID} "
            f"the claim with uid {other}"
        )
    else:
        why = (
            f"it has the name of this claim's pool, and neither a tag {marks.CLAIM_UID} nor a node "
            f"label {labels.CLAIM_UID}"
        )
    return (
        f"agent pool {pool.name} may be somebody else's and is left alone: {why}. If it is this "
        f"claim's, give it the label {labels.CLAIM_UID}={claim.uid} (az aks nodepool update "
        f"--labels) or delete it; if not, remove the finalizer {labels.TERMINATION_FINALIZER} from "
        "the claim when you delete that"
    )
