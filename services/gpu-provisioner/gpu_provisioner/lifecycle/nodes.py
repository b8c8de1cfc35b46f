"""Which Node objects are a claim's. Pure."""

from collections.abc import Iterable
from datetime import datetime

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool
from kaito_api import conditions, labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import Manifest, labels_of


def nodes_of(claim: Claim, pool: Pool | None, found: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """The claim's, of those that carry the name of its pool; the one in use first, then those
    that are Ready. A pool by that name may be another's, and a Node object may be left over from
    an earlier machine of the same name."""
    own_pool = pool is not None and ownership.belongs_to(pool, claim)
    return tuple(
        sorted(
            (node for node in found if _is_own(claim, own_pool, node)),
            key=lambda node: _rank(claim, node),
        )
    )


def is_ready(node: Manifest) -> bool:
    """The Node's own Ready condition."""
    return conditions.is_true(node, "Ready")


def ready_change(node: Manifest) -> datetime | None:
    """When the Node last became Ready, or ceased to be; None where it never said."""
    found = conditions.find((node.get("status") or {}).get("conditions") or (), "Ready")
    moment = found.get("lastTransitionTime") if found is not None else None
    return parse_time(moment) if moment else None


def _is_own(claim: Claim, own_pool: bool, node: Manifest) -> bool:
    """By the claim's uid. A Node that carries another's, or none, is the claim's where the pool
    is and its machine has spoken since the claim is there: a machine takes over the object that
    an earlier one of its name has left."""
    uid = labels_of(node).get(labels.CLAIM_UID)
    if uid == claim.uid:
        return True
    if not own_pool:
        return uid is None and node["metadata"]["name"] == claim.node_name
    spoke = [parse_time(node["metadata"]["creationTimestamp"])]
    if is_ready(node) and (since := ready_change(node)) is not None:
        spoke.append(since)
    return max(spoke) >= claim.created


def _rank(claim: Claim, node: Manifest) -> tuple[bool, bool, str]:
    name = str(node["metadata"]["name"])
    return (not is_ready(node), name != claim.node_name, name)
