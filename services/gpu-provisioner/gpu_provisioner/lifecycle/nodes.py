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


def left_over(claim: Claim, nodes: Iterable[Manifest]) -> tuple[str, ...]:
    """Return the names of the Ready Nodes, among those that are labeled with its pool's name, that
    an earlier pool left and that a new one of the claim could not be told from its own."""
    return tuple(
        str(node["metadata"]["name"])
        for node in nodes
        if is_ready(node)
        and labels_of(node).get(labels.CLAIM_UID) != claim.uid
        and _belongs_to(node, claim, owns_pool=True, joins_marked=True)
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
    an earlier machine of the same name left, with the earlier claim's uid. So a Node that is older
    than the claim belongs to it where the pool does and its machine became Ready after the claim
    was created; while an earlier machine is Ready, no pool is created (`left_over`). A Node whose
    owner is another claim is that claim's, whichever controller serves it.

    A younger Node has the uid that the pool of its machine had. With another claim's uid, it is a
    machine of that claim's pool, which joined late and is about to go. Without one, it belongs to
    the claim where the pool does, unless the pool's node labels name the claim (`joins_marked`):
    then somebody else's pool of that name left it.
    """
    if _owners(node) - {claim.uid}:
        return False
    uid = labels_of(node).get(labels.CLAIM_UID)
    if uid == claim.uid:
        return True
    if not owns_pool:
        return _is_in_use(node, claim, uid)
    if parse_time(node["metadata"]["creationTimestamp"]) >= claim.created:
        return uid is None and (not joins_marked or _is_in_use(node, claim, uid))
    since = ready_change(node) if is_ready(node) else None
    return since is not None and since >= claim.created


def _is_in_use(node: Manifest, claim: Claim, uid: str | None) -> bool:
    """Return whether it is the claim's Node that has lost its labels."""
    return uid is None and node["metadata"]["name"] == claim.node_name


def _owners(node: Manifest) -> set[str]:
    """Return the uids of the claims that own the Node. Karpenter makes its claims the owners of
    their Nodes; this provisioner does not."""
    references = node["metadata"].get("ownerReferences") or ()
    return {r["uid"] for r in references if r["kind"] in _CLAIM_KINDS}


def _rank(claim: Claim, node: Manifest) -> tuple[bool, bool, str]:
    name = str(node["metadata"]["name"])
    return (not is_ready(node), name != claim.node_name, name)
