"""Which Node objects belong to a claim. Pure."""

from collections.abc import Iterable
from datetime import datetime

from gpu_provisioner.agent_pools import marks, ownership
from gpu_provisioner.claims.claim import CLAIM_KINDS, Claim
from gpu_provisioner.cloud.pools import Pool
from kaito_api import conditions, labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import Manifest, labels_of

_CLAIM_KINDS = frozenset(kind.kind for kind in CLAIM_KINDS)


def nodes_of(claim: Claim, pool: Pool | None, nodes: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return the claim's Nodes among those that are labeled with its pool's name: the Ready ones
    first, and of these the one in the claim's status."""
    nodes = tuple(nodes)
    owns_pool = pool is not None and ownership.belongs_to(pool, claim, nodes)
    joins_marked = pool is not None and marks.uid_by_label(pool) == claim.uid
    return tuple(
        sorted(
            (node for node in nodes if _belongs_to(node, claim, owns_pool, joins_marked)),
            key=lambda node: _rank(claim, node),
        )
    )


def is_ready(node: Manifest) -> bool:
    """Return whether the Node's own Ready condition is True."""
    return conditions.is_true(node, "Ready")


def ready_change(node: Manifest) -> datetime | None:
    """Return when the Node's Ready condition last changed, or None where it has none."""
    ready = conditions.find((node.get("status") or {}).get("conditions") or (), "Ready")
    changed = ready.get("lastTransitionTime") if ready is not None else None
    return parse_time(changed) if changed else None


def _belongs_to(node: Manifest, claim: Claim, owns_pool: bool, joins_marked: bool) -> bool:
    """Return whether the Node is the claim's, by the claim's uid.

    The pool of that name may belong to another claim, and a machine reuses the Node object that
    an earlier machine of the same name left, with the earlier claim's uid. So a Node with another
    uid, or none, belongs to the claim where the pool does and the machine was created or became
    Ready after the claim was created. A Node whose owner is another claim is that claim's,
    whichever controller serves it.

    A machine of a pool whose node labels name the claim creates its Node with the uid
    (`joins_marked`). A Node without one that is younger than the claim is then what somebody
    else's pool of that name left.
    """
    if _owners(node) - {claim.uid}:
        return False
    uid = labels_of(node).get(labels.CLAIM_UID)
    if uid == claim.uid:
        return True
    born = parse_time(node["metadata"]["creationTimestamp"])
    if not owns_pool or (joins_marked and uid is None and born >= claim.created):
        return uid is None and node["metadata"]["name"] == claim.node_name
    last_sign = [born]
    if is_ready(node) and (since := ready_change(node)) is not None:
        last_sign.append(since)
    return max(last_sign) >= claim.created


def _owners(node: Manifest) -> set[str]:
    """Return the uids of the claims that own the Node. Karpenter makes its claims the owners of
    their Nodes; this provisioner does not."""
    references = node["metadata"].get("ownerReferences") or ()
    return {r["uid"] for r in references if r["kind"] in _CLAIM_KINDS}


def _rank(claim: Claim, node: Manifest) -> tuple[bool, bool, str]:
    name = str(node["metadata"]["name"])
    return (not is_ready(node), name != claim.node_name, name)
