"""Which reads the decision about a claim needs. Pure. Reads that it does not need are left out,
because each costs a call for every claim and pass."""

from collections.abc import Sequence
from datetime import datetime

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.nodes import is_ready
from gpu_provisioner.lifecycle.observed import CloudBackoff
from kaito_kube.kinds import Manifest


def needs_selection(
    claim: Claim, pool: Pool | None, backoff: CloudBackoff | None, now: datetime
) -> bool:
    """Return whether the decision may create a pool. `pool` is as of a complete listing."""
    return (
        claim.deleted is None
        and claim.has_finalizer
        and not claim.node_name
        and pool is None
        and (backoff is None or not backoff.applies(now))
    )


def needs_pods(claim: Claim, pool: Pool | None, nodes: Sequence[Manifest]) -> bool:
    """Return whether the decision may drain the claim's node: not once the cloud deletes the
    machine."""
    is_deleting = pool is not None and pool.state is PoolState.DELETING
    return claim.deleted is not None and not is_deleting and bool(nodes)


def needs_node_health(claim: Claim, nodes: Sequence[Manifest]) -> bool:
    """Return whether the decision may repair the claim's node."""
    return bool(claim.node_name) and not any(map(is_ready, nodes))
