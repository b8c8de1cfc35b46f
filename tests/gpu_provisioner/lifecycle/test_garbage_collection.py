"""Which pools and Nodes are orphans, and which only look like it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.cluster_identity import Identity
from gpu_provisioner.lifecycle.garbage_collection import (
    Snapshot,
    foreign_pools,
    plan_nodes,
    plan_pools,
    unmarked_pools,
)
from kaito_api import labels
from kaito_kube.kinds import Manifest

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=5)
OURS = {marks.MANAGED_BY: marks.MANAGER, marks.CLAIM_UID: "u1"}
NOTHING = Snapshot(cluster="prod", pools=(), claim_uids=frozenset(), claim_names=frozenset())


def pool(state: PoolState = PoolState.SUCCEEDED, name: str = "ws1", **tags: str) -> Pool:
    return Pool(name=name, state=state, instance_type="Standard_NC6s_v3", tags=tags or OURS)


def seen(*pools: Pool, uids: tuple[str, ...] = (), names: tuple[str, ...] = ()) -> Snapshot:
    return Snapshot(
        cluster="prod", pools=pools, claim_uids=frozenset(uids), claim_names=frozenset(names)
    )


@pytest.mark.parametrize(
    ("named", "deleted"),
    [("prod", True), ("PROD", True), ("staging", False), ("", True)],
    ids=["this cluster", "this cluster in another case", "another cluster", "none"],
)
def test_pool_that_names_another_cluster_is_nobodys_orphan(named: str, deleted: bool) -> None:
    found = seen(replace(pool(), tags={**OURS, marks.CLUSTER_TAG: named}))
    assert bool(plan_pools(found, {"ws1 u1": NOW - GRACE}, NOW, GRACE).delete) is deleted
    assert bool(foreign_pools(found)) is not deleted


LABELED = {labels.CLAIM_UID: "u1"}


@pytest.mark.parametrize(
    ("tags", "node_labels", "identity", "deleted"),
    [
        ({}, LABELED, Identity.SAME, True),
        ({}, LABELED, Identity.UNKNOWN, False),
        ({"policy": "x"}, LABELED, Identity.SAME, True),
        ({**OURS, marks.CLUSTER_TAG: "staging"}, LABELED, Identity.SAME, True),
        ({**OURS, marks.CLUSTER_TAG: "staging"}, LABELED, Identity.UNKNOWN, False),
        ({**OURS, marks.CLUSTER_TAG: "staging"}, {}, Identity.SAME, False),
        (OURS, {}, Identity.UNKNOWN, True),
        ({}, {}, Identity.SAME, False),
        ({marks.MANAGED_BY: marks.MANAGER}, {}, Identity.SAME, False),
        ({**OURS, marks.CLAIM_UID: "u2"}, LABELED, Identity.SAME, True),
    ],
    ids=[
        "tags lost, in a cluster that is known to be this one",
        "tags lost, in a cluster that may be another one",
        "tags replaced",
        "cluster's name rewritten, in a cluster that is known to be this one",
        "cluster's name rewritten, in a cluster that may be another one",
        "another cluster's name, and no label",
        "labels lost",
        "no mark",
        "a tag without a uid",
        "marks of two claims that are both gone",
    ],
)
def test_orphan_is_recognized_by_either_mark(
    tags: dict[str, str], node_labels: dict[str, str], identity: Identity, deleted: bool
) -> None:
    found = replace(seen(replace(pool(), tags=tags, labels=node_labels)), identity=identity)
    first = plan_pools(found, {}, NOW, GRACE)
    assert bool(plan_pools(found, first.suspects, NOW + GRACE, GRACE).delete) is deleted


def test_pool_with_marks_of_two_claims_is_no_orphan_while_one_of_them_exists() -> None:
    both = replace(pool(), tags={**OURS, marks.CLAIM_UID: "u2"}, labels=LABELED)
    for uid in ("u1", "u2"):
        found = replace(seen(both, uids=(uid,)), identity=Identity.SAME)
        assert plan_pools(found, {}, NOW, GRACE).suspects == {}


@pytest.mark.parametrize(
    ("kind", "unlisted", "deleted"),
    [
        ("", ("Machine",), False),
        ("Machine", ("Machine",), False),
        ("NodeClaim", ("Machine",), True),
        ("Machine", (), True),
    ],
    ids=["a pool of either kind", "a pool of that kind", "a pool of another kind", "all listed"],
)
def test_nothing_of_a_kind_that_was_not_listed_is_an_orphan(
    kind: str, unlisted: tuple[str, ...], deleted: bool
) -> None:
    tags = {**OURS, marks.CLAIM_KIND: kind} if kind else OURS
    found = replace(seen(replace(pool(), tags=tags)), unlisted_kinds=frozenset(unlisted))
    assert bool(plan_pools(found, {"ws1 u1": NOW - GRACE}, NOW, GRACE).delete) is deleted


def test_pool_of_kaito_without_a_claim_is_reported_and_not_deleted() -> None:
    theirs = replace(pool(), tags={}, labels={labels.CREATION_TIMESTAMP: "2026-01-01T00-00-00Z"})
    found = replace(seen(theirs), identity=Identity.SAME)
    assert plan_pools(found, {}, NOW, GRACE).suspects == {}
    assert unmarked_pools(found) == [theirs]
    assert unmarked_pools(replace(found, claim_names=frozenset({"ws1"}))) == []


def test_names_of_tags_have_no_case() -> None:
    shouted = {name.upper(): value for name, value in OURS.items()}
    orphan, owned = (
        seen(replace(pool(), tags=shouted)),
        seen(replace(pool(), tags=shouted), uids=("u1",)),
    )
    assert plan_pools(orphan, {"ws1 u1": NOW - GRACE}, NOW, GRACE).delete == ("ws1",)
    assert plan_pools(owned, {"ws1 u1": NOW - GRACE}, NOW, GRACE).delete == ()


@pytest.mark.parametrize(
    ("found", "first_seen", "deleted"),
    [
        (seen(pool()), NOW - GRACE, True),
        (seen(pool()), NOW - GRACE + timedelta(seconds=1), False),
        (seen(pool()), None, False),
        (seen(pool(), uids=("u1",)), NOW - GRACE, False),
        (seen(pool(), uids=("u2",), names=("ws1",)), NOW - GRACE, True),
        (seen(pool(PoolState.CREATING)), NOW - GRACE, False),
        (seen(pool(PoolState.DELETING)), NOW - GRACE, False),
        (seen(pool(PoolState.UNKNOWN)), NOW - GRACE, False),
        (seen(pool(PoolState.FAILED)), NOW - GRACE, True),
        (seen(pool(owner="someone")), NOW - GRACE, False),
    ],
    ids=[
        "orphan past its grace",
        "orphan within its grace",
        "seen for the first time",
        "its claim exists",
        "a claim of its name exists, and of another uid",
        "being made",
        "being deleted",
        "being upgraded",
        "failed orphan",
        "not ours",
    ],
)
def test_orphaned_pools_are_deleted(
    found: Snapshot, first_seen: datetime | None, deleted: bool
) -> None:
    suspects = {"ws1 u1": first_seen} if first_seen else {}
    assert bool(plan_pools(found, suspects, NOW, GRACE).delete) is deleted


def test_returned_claim_restarts_the_grace_period() -> None:
    first = plan_pools(seen(pool()), {}, NOW, GRACE)
    between = plan_pools(seen(pool(), uids=("u1",)), first.suspects, NOW + GRACE, GRACE)
    last = plan_pools(seen(pool()), between.suspects, NOW + 2 * GRACE, GRACE)
    assert last.delete == ()


def test_other_pool_of_same_name_restarts_the_grace_period() -> None:
    first = plan_pools(seen(pool()), {}, NOW, GRACE)
    other = replace(pool(), tags={**OURS, marks.CLAIM_UID: "u2"})
    assert plan_pools(seen(other), first.suspects, NOW + GRACE, GRACE).delete == ()


@pytest.mark.parametrize(("number", "most"), [(1, 1), (10, 10), (30, 10), (500, 100)])
def test_deletions_per_pass_are_limited(number: int, most: int) -> None:
    found = seen(*(pool(name=f"ws{index}") for index in range(number)))
    first = plan_pools(found, {}, NOW, GRACE)
    assert len(plan_pools(found, first.suspects, NOW + GRACE, GRACE).delete) == most


def node(ready: str = "Unknown", uid: str | None = "u1", group: str = "mc_prod") -> Manifest:
    own = {labels.CLAIM_UID: uid} if uid else {}
    machine = f"/subscriptions/S/resourceGroups/{group}/providers/Microsoft.Compute/x/0"
    return {
        "spec": {"providerID": f"azure://{machine}"},
        "metadata": {"name": "aks-ws1-0", "labels": {labels.AGENT_POOL: "ws1", **own}},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


LEAVING = node() | {"metadata": {**node()["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("found", "first_seen", "deleted"),
    [
        (replace(NOTHING, nodes=(node(),)), NOW - GRACE, True),
        (replace(NOTHING, nodes=(node(),)), NOW - GRACE / 2, False),
        (replace(NOTHING, nodes=(node(),)), None, False),
        (replace(NOTHING, nodes=(node("False"),)), NOW - GRACE, True),
        (replace(NOTHING, nodes=(node("True"),)), NOW - GRACE, False),
        (replace(NOTHING, nodes=(node(uid=None),)), NOW - GRACE, False),
        (replace(NOTHING, nodes=(LEAVING,)), NOW - GRACE, False),
        (replace(seen(pool(owner="?")), nodes=(node(),)), NOW - GRACE, False),
        (replace(seen(uids=("u1",)), nodes=(node(),)), NOW - GRACE, False),
        (replace(seen(names=("ws1",)), nodes=(node(),)), NOW - GRACE, False),
        (replace(NOTHING, nodes=(node(),), node_group="s/mc_prod"), NOW - GRACE, True),
        (replace(NOTHING, nodes=(node(),), node_group="s/mc_staging"), NOW - GRACE, False),
        (
            replace(NOTHING, nodes=(node(),), unlisted_kinds=frozenset({"Machine"})),
            NOW - GRACE,
            False,
        ),
    ],
    ids=[
        "orphan past its grace",
        "orphan within its grace",
        "seen for the first time",
        "says itself that it is not Ready",
        "Ready",
        "not ours",
        "on its way out",
        "a pool of its name exists",
        "its claim exists",
        "a claim of its name exists",
        "a machine of this cluster",
        "a machine of another cluster",
        "a kind of claim was not listed",
    ],
)
def test_orphaned_nodes_are_deleted(
    found: Snapshot, first_seen: datetime | None, deleted: bool
) -> None:
    suspects = {"aks-ws1-0 u1": first_seen} if first_seen else {}
    assert bool(plan_nodes(found, suspects, NOW, GRACE).delete) is deleted
