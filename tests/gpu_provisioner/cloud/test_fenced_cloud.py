"""Behind the fence only the leader changes anything, and every replica may read."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import getmembers, isfunction

import pytest

from gpu_provisioner.cloud.errors import Unauthorized
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.cloud.fenced_cloud import FencedCloud
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.settings import Budget
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock, SteadyClock
from kaito_kube.errors import NotLeader
from kaito_kube.leader_election import Leadership
from tests.gpu_provisioner.emulation import SPEC

pytestmark = pytest.mark.looptime

THERE = Pool(name="there", state=PoolState.SUCCEEDED, instance_type=SPEC.instance_type)
CloudCall = Callable[[FencedCloud], Awaitable[object]]
CHANGES: dict[str, CloudCall] = {
    "create": lambda c: c.create(SPEC),
    "add_marks": lambda c: c.add_marks(THERE, Marks({"a": "b"})),
    "delete": lambda c: c.delete("there"),
}
READS: dict[str, CloudCall] = {
    "get": lambda c: c.get("there"),
    "list": lambda c: c.list(),
    "cluster": lambda c: c.cluster(),
    "newest_image": lambda c: c.newest_image("there"),
    "availability": lambda c: c.availability(),
}


def leading(seconds: float) -> Leadership:
    leadership = Leadership()
    leadership.extend(asyncio.get_running_loop().time() + seconds)
    return leadership


def fenced(leadership: Leadership) -> tuple[FakeCloud, FencedCloud]:
    """As in the process, the pacing is behind the fence."""
    cloud = FakeCloud(FakeClock())
    cloud.seed(THERE)
    return cloud, FencedCloud(PacedCloud(cloud, SteadyClock(), Budget()), leadership)


def test_every_call_is_classified_as_read_or_write() -> None:
    calls = {name for name, _ in getmembers(CloudProvider, isfunction) if name[0] != "_"}
    assert calls == {*CHANGES, *READS}


@pytest.mark.parametrize("call", CHANGES)
async def test_leader_may_change_everything(call: str) -> None:
    cloud, fence = fenced(leading(10))
    await asyncio.sleep(9)
    await CHANGES[call](fence)
    assert [made for made, _ in cloud.calls] == [call]
    assert cloud.pools() != {"there": THERE}


@pytest.mark.parametrize("call", CHANGES)
@pytest.mark.parametrize("seconds", [0, 10], ids=["never led", "led once"])
async def test_follower_changes_nothing(call: str, seconds: int) -> None:
    cloud, fence = fenced(leading(seconds) if seconds else Leadership())
    await asyncio.sleep(seconds)
    with pytest.raises(NotLeader):
        await CHANGES[call](fence)
    assert (cloud.calls, cloud.pools()) == ([], {"there": THERE})


@pytest.mark.parametrize("call", READS)
async def test_follower_may_read(call: str) -> None:
    _, fence = fenced(Leadership())
    assert await READS[call](fence)


async def test_cloud_errors_pass_through() -> None:
    cloud, fence = fenced(leading(10))
    cloud.fail_next("create", Unauthorized(Reason.CLOUD_UNAUTHORIZED, "not you"))
    with pytest.raises(Unauthorized, match="not you"):
        await CHANGES["create"](fence)


async def test_fenced_change_uses_no_token() -> None:
    """Calls of other replicas must not use the leader's tokens or turns."""
    leadership = Leadership()
    cloud, fence = fenced(leadership)
    for _ in range(10 * Budget().writes_per_minute):
        with pytest.raises(NotLeader):
            await CHANGES["create"](fence)
    leadership.extend(float("inf"))
    await CHANGES["create"](fence)
    assert [made for made, _ in cloud.calls] == ["create"]


class Slow(FakeCloud):
    async def create(self, spec: PoolSpec) -> Pool:
        await asyncio.sleep(60)
        return await super().create(spec)


async def test_call_in_progress_finishes_when_leadership_is_lost() -> None:
    cloud = Slow(FakeClock())
    fence = FencedCloud(cloud, leading(30))
    assert (await fence.create(SPEC)).name == SPEC.name
    with pytest.raises(NotLeader):
        await fence.delete(SPEC.name)
    assert [made for made, _ in cloud.calls] == ["create"]
