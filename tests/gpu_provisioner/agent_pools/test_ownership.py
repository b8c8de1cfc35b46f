"""Which marks a pool has, which contradict each other, and whose pool it is."""

from typing import Any

import pytest

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.agent_pools.ownership import Ownership, judge, may_belong_to
from gpu_provisioner.claims.claim import Claim, parse
from gpu_provisioner.cloud.pools import Pool, PoolState
from kaito_api import labels
from kaito_kube.kinds import NODE_CLAIM, Manifest
from tests.gpu_provisioner.world import NAME, claim_manifest

BORN = "2026-01-01T11-00-00Z"
PROVIDER_ID = "azure:///subscriptions/s/resourceGroups/mc_g/providers/Microsoft.Compute/x/0"
OWN, CONTESTED = Ownership.OWN, Ownership.CONTESTED
OTHERS, FOREIGN = Ownership.OTHERS, Ownership.FOREIGN


def claim(**status: Any) -> Claim:
    manifest = claim_manifest(NODE_CLAIM)
    manifest["metadata"] |= {"uid": "u1", "creationTimestamp": "2026-01-01T11:00:00Z"}
    return parse(NODE_CLAIM, {**manifest, "status": status})


NEW = claim()
EXISTS, MISSING, REFUSED, HELD = (
    {
        "type": "Launched",
        "status": status,
        "reason": reason,
        "lastTransitionTime": "2026-01-01T11:05:00Z",
    }
    for status, reason in (
        ("True", "Launched"),
        ("Unknown", "PoolMissing"),
        ("False", "LaunchFailed"),
        ("False", "PoolMarksLost"),
    )
)
LAUNCHED = claim(conditions=[EXISTS])
JOINED = claim(conditions=[EXISTS], nodeName="aks-ws1-0", providerID=PROVIDER_ID)
MISSED = claim(conditions=[MISSING], nodeName="aks-ws1-0", providerID=PROVIDER_ID)


def pool(tag: str = "", label: str = "", born: str = "", **tags: str) -> Pool:
    own_tags = {marks.CLAIM_UID: tag} if tag else {}
    own_labels = {labels.CLAIM_UID: label} if label else {}
    born_labels = {labels.CREATION_TIMESTAMP: born} if born else {}
    return Pool(
        name=NAME,
        state=PoolState.SUCCEEDED,
        instance_type="x",
        tags={**own_tags, **tags},
        labels={**own_labels, **born_labels},
    )


def node(uid: str = "", provider_id: str = "azure:///other") -> Manifest:
    return {
        "metadata": {"name": "n", "labels": {labels.CLAIM_UID: uid} if uid else {}},
        "spec": {"providerID": provider_id},
    }


@pytest.mark.parametrize(
    ("found", "owner", "nodes", "verdict"),
    [
        (pool("u1", "u1", BORN), NEW, (), OWN),
        (pool("u1"), NEW, (), OWN),
        (pool("", "u1"), NEW, (), OWN),
        (pool("u0", "u1"), NEW, (), OWN),
        (pool("u1", "u0"), NEW, (), CONTESTED),
        (pool("u0"), NEW, (), OTHERS),
        (pool("", "u0"), NEW, (), OTHERS),
        (pool("u2", "u3"), NEW, (), OTHERS),
        (pool("u0", "u0", BORN), JOINED, (node("u1"),), OTHERS),
        (pool(born=BORN), NEW, (), OWN),
        (pool(born="2025-12-31T11-00-00Z"), NEW, (), OTHERS),
        (pool(born="2025-12-31T11-00-00Z"), JOINED, (), OTHERS),
        (pool(), NEW, (), FOREIGN),
        (pool(owner="somebody"), NEW, (node("u1"),), FOREIGN),
        (pool(owner="somebody"), LAUNCHED, (), CONTESTED),
        (pool(owner="somebody"), claim(conditions=[HELD]), (), CONTESTED),
        (pool(), JOINED, (), CONTESTED),
        (pool(), JOINED, (node(),), CONTESTED),
        (pool(), JOINED, (node("u1"),), OWN),
        (pool(), JOINED, (node(provider_id=PROVIDER_ID.upper()),), OWN),
        (pool(), MISSED, (node("u1"),), CONTESTED),
        (pool("", "u1"), MISSED, (node("u1"),), OWN),
        (pool(), claim(conditions=[REFUSED]), (node("u1"),), FOREIGN),
        (pool(**{"KAITO-CLAIM-UID": "u1"}), NEW, (), OWN),
    ],
    ids=[
        "all marks",
        "the tags alone: labels were replaced",
        "the labels alone: tags were replaced",
        "the label, and a rewritten tag",
        "the tag, against the label",
        "another claim's tag",
        "another claim's label",
        "tag and label of two others",
        "another claim's marks, and a Node that an earlier machine left",
        "only the time of the claim's creation: KAITO's own pool",
        "the time of another claim's creation",
        "the time of another claim's creation, after this claim had a pool",
        "its name alone",
        "its name alone, and a Node that says so: the claim never had a pool",
        "its name, and the claim's pool existed",
        "its name, and the claim's pool existed before it lost its marks",
        "its name, and the claim's machine joined",
        "its name, and somebody else's Node",
        "its name, and the claim's Node",
        "its name, and the claim's machine by its id",
        "its name, and the claim's Node, but the claim's pool was missing before",
        "the label, although the pool was missing before: a listing was wrong",
        "its name, and a Node that joined as the claim's pool went: the name was taken since",
        "a tag whose name changed its case",
    ],
)
def test_pool_is_judged_by_all_its_marks(
    found: Pool, owner: Claim, nodes: tuple[Manifest, ...], verdict: Ownership
) -> None:
    assert judge(found, owner, nodes) is verdict
    assert may_belong_to(found, owner, nodes) is (verdict in (OWN, CONTESTED))


def test_lost_marks_are_those_that_are_missing_or_different() -> None:
    own = marks.marks_of(NEW, "aks")
    shouted = {name.upper(): value for name, value in own.tags.items()}
    whole = Pool(
        name=NAME, state=PoolState.SUCCEEDED, instance_type="x", tags=shouted, labels=own.labels
    )
    assert not marks.lost_marks(whole, NEW, "aks")
    lost = marks.lost_marks(pool("u1", "u1", **{marks.CLUSTER_TAG: "prod"}), NEW, "aks")
    assert lost.tags == {k: v for k, v in own.tags.items() if k != marks.CLAIM_UID}
    assert lost.labels == {labels.CREATION_TIMESTAMP: BORN}
    assert str(lost) == (
        "tags kaito-claim, kaito-cluster, kaito-managed-by, kaito-workspace and labels "
        "kaito.sh/creation-timestamp"
    )
