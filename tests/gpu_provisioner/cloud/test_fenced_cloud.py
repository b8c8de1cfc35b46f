"""Through a fence only a leader buys and gives back machines; whoever likes may look."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import getmembers, isfunction

import pytest

from gpu_provisioner.cloud.errors import Unauthorized
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.cloud.fenced_cloud import FencedCloud
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.settings import Budget
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock, SystemClock
from kaito_kube.errors import NotLeader
from kaito_kube.leader_election import Leadership
from tests.gpu_provisioner.emulation import SPEC

pytestmark = pytest.mark.looptime

THERE = Pool(name="there", state=PoolState.SUCCEEDED, instance_type=SPEC.instance_type)
Ask = Callable[[FencedCloud], Awaitable[object]]
CHANGES: dict[str, Ask] = {
    "create": lambda c: c.create(SPEC),
    "delete": lambda c: c.delete("there"),
}
READS: dict[str, Ask] = {
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
    """As the process has them: the pace is kept behind the fence."""
    cloud = FakeCloud(FakeClock())
    cloud.seed(THERE)
    return cloud, FencedCloud(PacedCloud(cloud, SystemClock(), Budget()), leadership)


def test_every_call_is_known_to_be_a_read_or_a_change() -> None:
    calls = {name for name, _ in getmembers(CloudProvider, isfunction) if name[0] != "_"}
    assert calls == {*CHANGES, *READS}


@pytest.mark.parametrize("call", CHANGES)
async def test_a_leader_changes_what_it_likes(call: str) -> None:
    cloud, fence = fenced(leading(10))
    await asyncio.sleep(9)
    await CHANGES[call](fence)
    assert [made for made, _ in cloud.calls] == [call]
    assert cloud.pools() != {"there": THERE}


@pytest.mark.parametrize("call", CHANGES)
@pytest.mark.parametrize("seconds", [0, 10], ids=["never led", "led once"])
async def test_whoever_does_not_lead_changes_nothing(call: str, seconds: int) -> None:
    cloud, fence = fenced(leading(seconds) if seconds else Leadership())
    await asyncio.sleep(seconds)
    with pytest.raises(NotLeader):
        await CHANGES[call](fence)
    assert (cloud.calls, cloud.pools()) == ([], {"there": THERE})


@pytest.mark.parametrize("call", READS)
async def test_whoever_does_not_lead_may_look(call: str) -> None:
    _, fence = fenced(Leadership())
    assert await READS[call](fence)


async def test_a_refusal_of_the_clouds_is_the_clouds() -> None:
    cloud, fence = fenced(leading(10))
    cloud.fail_next("create", Unauthorized(Reason.CLOUD_UNAUTHORIZED, "not you"))
    with pytest.raises(Unauthorized, match="not you"):
        await CHANGES["create"](fence)


async def test_a_refused_change_takes_nobodys_turn() -> None:
    """The pace and the order of what the cloud is asked are the leader's."""
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


async def test_what_is_under_way_when_leadership_is_lost_has_its_answer_and_no_successor() -> None:
    cloud = Slow(FakeClock())
    fence = FencedCloud(cloud, leading(30))
    assert (await fence.create(SPEC)).name == SPEC.name
    with pytest.raises(NotLeader):
        await fence.delete(SPEC.name)
    assert [made for made, _ in cloud.calls] == ["create"]
