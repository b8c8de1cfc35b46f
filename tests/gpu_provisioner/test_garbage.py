"""Which pools nobody asks for any more, and which only look so."""

from datetime import UTC, datetime, timedelta

import pytest

from gpu_provisioner import agent_pools
from gpu_provisioner.cloud import Pool, PoolState
from gpu_provisioner.garbage import sweep

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GRACE = timedelta(minutes=5)
OURS = {agent_pools.MANAGED_BY: agent_pools.US, agent_pools.CLAIM_UID: "u1"}


def pool(state: PoolState = PoolState.SUCCEEDED, **tags: str) -> Pool:
    return Pool(name="ws1", state=state, instance_type="Standard_NC6s_v3", tags=tags or OURS)


@pytest.mark.parametrize(
    ("case", "uids", "first_seen", "deleted"),
    [
        (pool(), frozenset(), NOW - GRACE, True),
        (pool(), frozenset(), NOW - GRACE + timedelta(seconds=1), False),
        (pool(), frozenset(), None, False),
        (pool(), frozenset({"u1"}), NOW - GRACE, False),
        (pool(PoolState.CREATING), frozenset(), NOW - GRACE, False),
        (pool(PoolState.DELETING), frozenset(), NOW - GRACE, False),
        (pool(PoolState.FAILED), frozenset(), NOW - GRACE, True),
        (pool(owner="someone"), frozenset(), NOW - GRACE, False),
    ],
    ids=[
        "orphan past its grace", "orphan within its grace", "seen for the first time",
        "its claim exists", "being made", "being deleted", "failed orphan", "not ours",
    ],
)  # fmt: skip
def test_what_is_deleted(
    case: Pool, uids: frozenset[str], first_seen: datetime | None, deleted: bool
) -> None:
    suspects = {"ws1 u1": first_seen} if first_seen else {}
    assert bool(sweep([case], uids, suspects, NOW, GRACE).delete) is deleted


def test_a_pool_whose_claim_came_back_is_suspected_anew() -> None:
    first = sweep([pool()], frozenset(), {}, NOW, GRACE)
    between = sweep([pool()], frozenset({"u1"}), first.suspects, NOW + GRACE, GRACE)
    last = sweep([pool()], frozenset(), between.suspects, NOW + 2 * GRACE, GRACE)
    assert last.delete == ()
