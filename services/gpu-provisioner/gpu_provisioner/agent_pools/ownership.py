"""Whose agent pool it is: the decision from every mark that a pool can have. Pure.

| label claim-uid | tag claim-uid | label creation-timestamp | claim's history | the pool is |
|---|---|---|---|---|
| this claim's | any | any | any | OWN |
| none | this claim's | any | any | OWN |
| another's | this claim's | any | any | CONTESTED |
| another's, or none | another's, or none (not both none) | any | any | OTHERS |
| none | none | this claim's | any | OWN |
| none | none | another's | any | OTHERS |
| none | none | none | its pool exists, and its machine joined and runs there | OWN |
| none | none | none | its pool existed | CONTESTED |
| none | none | none | none | FOREIGN |

Labels count more than tags: policies rewrite tags and cannot rewrite node labels. A name alone
proves nothing, because anybody can give a pool any name. Neither does a Node, once the claim's pool
was seen to be missing: its machine may have joined as that pool went, and the pool that has the
name now may be somebody else's.
"""

from collections.abc import Iterable
from enum import StrEnum

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.aks_values import TAG_VALUE_LENGTH
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, labels_of


class Ownership(StrEnum):
    """What the pool of a claim's name is to that claim. A CONTESTED one may be the claim's: it is
    neither deleted, nor is the claim released while it exists."""

    OWN = "own"
    CONTESTED = "contested"
    OTHERS = "another claim's"
    FOREIGN = "foreign"


def judge(pool: Pool, claim: Claim, nodes: Iterable[Manifest] = ()) -> Ownership:
    """Return what the pool is to the claim of its name. `nodes` are Nodes of that pool."""
    by_label, by_tag = marks.uid_by_label(pool), marks.uid_by_tag(pool)
    if (by_label or by_tag) == claim.uid:
        return Ownership.OWN
    if by_tag == claim.uid:
        return Ownership.CONTESTED
    if by_label or by_tag:
        return Ownership.OTHERS
    if (born := pool.labels.get(labels.CREATION_TIMESTAMP)) is not None:
        return Ownership.OWN if born == marks.birth(claim) else Ownership.OTHERS
    if not _had_pool(claim):
        return Ownership.FOREIGN
    runs_there = any(_is_machine_of(claim, node) for node in nodes)
    return Ownership.OWN if has_kept_pool(claim) and runs_there else Ownership.CONTESTED


def belongs_to(pool: Pool, claim: Claim, nodes: Iterable[Manifest] = ()) -> bool:
    return judge(pool, claim, nodes) is Ownership.OWN


def may_belong_to(pool: Pool, claim: Claim, nodes: Iterable[Manifest] = ()) -> bool:
    """Whether the claim must not be released while the pool exists."""
    return judge(pool, claim, nodes) in (Ownership.OWN, Ownership.CONTESTED)


def is_tagged(pool: Pool) -> bool:
    """Whether the tags say that this provisioner created the pool for a claim."""
    return marks.tag(pool, marks.MANAGED_BY) == marks.MANAGER and marks.uid_by_tag(pool) != ""


def is_labeled(pool: Pool) -> bool:
    """Whether the node labels say so: no other program sets that label."""
    return marks.uid_by_label(pool) != ""


def may_be_collected(pool: Pool, cluster: str, *, labels_suffice: bool) -> bool:
    """Whether garbage collection may ever delete the pool: its tags say that this provisioner
    created it for the cluster of that name, or its node labels that this provisioner created it.
    Labels suffice where the listing is known to be of this cluster (see `cluster_identity`)."""
    if is_tagged(pool) and not names_other_cluster(pool, cluster):
        return True
    return labels_suffice and is_labeled(pool)


def names_other_cluster(pool: Pool, cluster: str) -> bool:
    """Whether the tags say that the pool was created for another cluster than the one of that
    name. Names of clusters have no case."""
    named = marks.tag(pool, marks.CLUSTER_TAG)
    return named != "" and named.lower() != cluster[:TAG_VALUE_LENGTH].lower()


def has_kept_pool(claim: Claim) -> bool:
    """Return whether the claim's own status says that its machine joined, and that its pool has
    existed in every listing since."""
    return bool(claim.node_name) and claim.condition_since(claim.kind.launched) is not None


def _had_pool(claim: Claim) -> bool:
    """Return whether the claim's own status says that its pool existed under this name."""
    type_ = claim.kind.launched
    was_contested = claim.condition_since(type_, "False", Reason.POOL_MARKS_LOST) is not None
    return bool(claim.node_name) or claim.condition_since(type_) is not None or was_contested


def _is_machine_of(claim: Claim, node: Manifest) -> bool:
    """Return whether the Node is the machine that joined for the claim."""
    provider_id = (node.get("spec") or {}).get("providerID") or ""
    recorded = str(claim.status.get("providerID") or "")
    is_recorded = recorded != "" and provider_id.lower() == recorded.lower()
    return is_recorded or labels_of(node).get(labels.CLAIM_UID) == claim.uid
