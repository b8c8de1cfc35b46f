"""Which Nodes with the name of a pool belong to a claim."""

from dataclasses import replace
from typing import Any

import pytest

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.claims.claim import Claim, parse
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.nodes import left_over, nodes_of
from kaito_api import labels
from kaito_kube.kinds import NODE_CLAIM, Manifest
from tests.gpu_provisioner.world import NAME, claim_manifest

BEFORE, CREATED, AFTER = "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z"
OWN_TAGS = {marks.MANAGED_BY: marks.MANAGER, marks.CLAIM_UID: "u1"}
POOL = Pool(name=NAME, state=PoolState.SUCCEEDED, instance_type="x", tags=OWN_TAGS)
MARKED = replace(POOL, labels={labels.CLAIM_UID: "u1"})
FOREIGN = replace(POOL, tags={"owner": "someone"})


def claim(**status: Any) -> Claim:
    manifest = claim_manifest(NODE_CLAIM)
    manifest["metadata"] |= {"uid": "u1", "creationTimestamp": CREATED}
    return parse(NODE_CLAIM, {**manifest, "status": status})


def node(
    name: str = "a", uid: str | None = None, born: str = AFTER, ready: str = "True", since: str = ""
) -> Manifest:
    return {
        "metadata": {
            "name": name,
            "creationTimestamp": born,
            "labels": {labels.AGENT_POOL: NAME, **({labels.CLAIM_UID: uid} if uid else {})},
        },
        "status": {
            "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": since or born}]
        },
    }


@pytest.mark.parametrize(
    ("pool", "found", "own"),
    [
        (POOL, node(uid="u1"), True),
        (None, node(uid="u1"), True),
        (POOL, node(), True),
        (POOL, node(born=BEFORE), False),
        (POOL, node(uid="u0", born=BEFORE), False),
        (POOL, node(uid="u0", born=BEFORE, since=AFTER), True),
        (POOL, node(uid="u0", born=BEFORE, since=AFTER, ready="Unknown"), False),
        (POOL, node(uid="u0"), False),
        (MARKED, node(uid="u0"), False),
        (MARKED, node(), False),
        (MARKED, node(born=BEFORE, since=AFTER), True),
        (FOREIGN, node(), False),
        (None, node(), False),
    ],
    ids=[
        "its uid",
        "its uid, and the pool is missing from a listing",
        "no uid, of its pool",
        "no uid, older than the claim",
        "of an earlier claim, from a late cache",
        "taken over from an earlier claim by this one's machine",
        "left over from an earlier claim",
        "joined for an earlier claim, after this one was created",
        "joined for an earlier claim, beside a pool with labels",
        "left by someone else's pool that had the name until now",
        "taken over by a machine of a pool with labels",
        "of someone else's pool",
        "no uid and no pool",
    ],
)
def test_node_belongs_to_claim(pool: Pool | None, found: Manifest, own: bool) -> None:
    assert nodes_of(claim(), pool, [found]) == ((found,) if own else ())


@pytest.mark.parametrize(
    ("found", "waits"),
    [
        (node(born=BEFORE, since=AFTER), True),
        (node(uid="u0", born=BEFORE, since=AFTER), True),
        (node(uid="u0", born=BEFORE, since=AFTER, ready="Unknown"), False),
        (node(born=BEFORE), False),
        (node(), False),
        (node(uid="u0"), False),
        (node(uid="u1"), False),
    ],
    ids=[
        "older, and Ready again since the claim was created",
        "of an earlier claim, and Ready again since this one was created",
        "of an earlier claim, and not Ready: this one's machine may take it over",
        "Ready since before the claim was created",
        "younger, without a uid",
        "younger, of an earlier claim",
        "the claim's own",
    ],
)
def test_new_pool_waits_for_nodes_that_would_be_taken_for_its_own(
    found: Manifest, waits: bool
) -> None:
    assert left_over(claim(), [found]) == (("a",) if waits else ())
    assert nodes_of(claim(), MARKED, [found]) == (
        (found,) if waits or found == node(uid="u1") else ()
    )


def test_node_in_use_stays_with_claim_while_pool_is_not_listed() -> None:
    assert nodes_of(claim(nodeName="a"), None, [node("a")]) == (node("a"),)


def test_node_in_use_stays_with_claim_when_it_loses_its_labels() -> None:
    assert nodes_of(claim(nodeName="a"), MARKED, [node("a")]) == (node("a"),)


def test_ready_node_comes_first() -> None:
    found = [node("a", "u1", ready="False"), node("b", "u1"), node("c", "u1")]
    assert [n["metadata"]["name"] for n in nodes_of(claim(nodeName="c"), POOL, found)] == [
        "c",
        "b",
        "a",
    ]
