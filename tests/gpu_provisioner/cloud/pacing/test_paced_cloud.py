"""Which calls reach a cloud that throttles or is busy, and which exceed the budget."""

from contextlib import suppress
from dataclasses import replace

import pytest

from gpu_provisioner.cloud.errors import (
    CloudError,
    CloudUnavailable,
    LaunchRefused,
    PoolBusy,
    PoolNotFound,
    Throttled,
)
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.pools import PoolSpec
from gpu_provisioner.settings import Budget
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock
from tests.gpu_provisioner.emulation import SPEC

THROTTLED = CloudUnavailable(
    Reason.CLOUD_UNAVAILABLE, "Azure answered 429 TooManyRequests: retry after 17 seconds", 17.0
)
BUSY = PoolBusy(
    Reason.CLOUD_UNAVAILABLE, "another operation is in progress", 5.0, cluster_wide=True
)


class Paced:
    def __init__(self, budget: Budget | None = None) -> None:
        self.clock = FakeClock()
        self.fake = FakeCloud(self.clock)
        self.cloud = PacedCloud(self.fake, self.clock, budget or Budget())

    def reached(self, call: str) -> list[str]:
        return [name for made, name in self.fake.calls if made == call]

    async def refused(self, spec: PoolSpec) -> CloudError:
        with pytest.raises(CloudError) as error:
            await self.cloud.create(spec)
        return error.value


@pytest.fixture
def paced() -> Paced:
    return Paced()


def named(name: str, created: str = "") -> PoolSpec:
    return replace(SPEC, name=name, labels={labels.CREATION_TIMESTAMP: created})


async def test_throttled_create_blocks_creates_until_retry_after(
    paced: Paced,
) -> None:
    paced.fake.fail_next("create", THROTTLED)
    assert (await paced.refused(named("a"))).retry_after_seconds == 17
    paced.clock.advance(7)
    error = await paced.refused(named("b"))
    assert isinstance(error, CloudUnavailable)
    assert error.retry_after_seconds == 10
    assert error.message == (
        "Azure answered 429 TooManyRequests: writes wait until Azure accepts them again"
    )
    assert paced.reached("create") == ["a"]
    paced.clock.advance(10)
    await paced.cloud.create(named("b"))
    assert paced.reached("create") == ["a", "b"]


async def test_throttled_writes_do_not_block_reads_and_deletes(paced: Paced) -> None:
    paced.fake.fail_next("create", THROTTLED)
    await paced.refused(named("a"))
    await paced.cloud.list()
    await paced.cloud.delete("a")
    assert paced.reached("delete") == ["a"]


async def test_throttled_list_blocks_reads(paced: Paced) -> None:
    paced.fake.fail_next("list", THROTTLED)
    for call in (paced.cloud.list(), paced.cloud.list(), paced.cloud.get("a")):
        with pytest.raises(CloudUnavailable):
            await call
    assert len(paced.fake.calls) == 1
    await paced.cloud.create(named("a"))


async def test_unresponsive_cloud_blocks_calls_for_a_second(paced: Paced) -> None:
    paced.fake.fail_next(
        "create",
        CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "Azure does not answer: connection cut"),
    )
    await paced.refused(named("a"))
    await paced.refused(named("b"))
    paced.clock.advance(1)
    await paced.cloud.create(named("b"))
    assert paced.reached("create") == ["a", "b"]


async def test_writes_over_budget_are_throttled() -> None:
    paced = Paced(Budget(writes_per_minute=6))
    for name in "ab":
        await paced.cloud.create(named(name))
    waits = [await paced.refused(named(name)) for name in "cd"]
    assert [type(error) for error in waits] == [Throttled, Throttled]
    assert [error.retry_after_seconds for error in waits] == [10, 20]
    assert "limited to 6 a minute (setting armWritesPerMinute)" in waits[0].message
    paced.clock.advance(10)
    await paced.cloud.create(named("c"))
    await paced.refused(named("d"))
    assert paced.reached("create") == ["a", "b", "c"]


async def test_only_the_oldest_tries_while_cluster_is_busy(paced: Paced) -> None:
    specs = [named("young", "2026-01-02"), named("old", "2026-01-01"), named("new", "2026-01-03")]
    paced.fake.fail_next("create", BUSY)
    await paced.refused(specs[0])
    for spec in specs:
        assert isinstance(await paced.refused(spec), Throttled)
    paced.clock.advance(5)
    await paced.refused(specs[2])
    await paced.cloud.create(specs[1])
    assert paced.reached("create") == ["young", "old"]
    for spec in (specs[0], specs[2]):
        await paced.cloud.create(spec)


async def test_deletes_wait_for_busy_cluster_and_go_first(paced: Paced) -> None:
    await paced.cloud.create(named("gone"))
    paced.fake.fail_next("create", BUSY)
    await paced.refused(named("a", "2026-01-01"))
    with pytest.raises(Throttled):
        await paced.cloud.delete("gone")
    paced.clock.advance(5)
    await paced.refused(named("a", "2026-01-01"))
    await paced.cloud.delete("gone")
    await paced.cloud.create(named("a", "2026-01-01"))


async def test_ten_deletions_at_once_do_not_hold_up_a_create(paced: Paced) -> None:
    """On a cluster that is busy with each operation for a while."""
    pools = [f"gone{number}" for number in range(10)]
    for name in pools:
        await paced.cloud.create(named(name))
    paced.fake.fail_next("delete", BUSY)
    with pytest.raises(PoolBusy):
        await paced.cloud.delete(pools[0])
    paced.fake.calls.clear()
    while "new" not in paced.reached("create"):
        paced.clock.advance(5)
        for call in (*map(paced.cloud.delete, pools), paced.cloud.create(named("new"))):
            with suppress(CloudError):
                await call
            paced.fake.fail_next("delete", BUSY)
            paced.fake.fail_next("create", BUSY)
        paced.fake._errors.clear()
        assert len(paced.reached("delete")) < 5, "the create had no turn"


async def test_busy_pool_does_not_block_others(paced: Paced) -> None:
    paced.fake.fail_next("create", PoolBusy(Reason.CLOUD_UNAVAILABLE, "a is being deleted", 5.0))
    assert isinstance(await paced.refused(named("a")), PoolBusy)
    await paced.cloud.create(named("b"))


@pytest.mark.parametrize(
    "error",
    [LaunchRefused(Reason.QUOTA_EXCEEDED, "none left"), PoolNotFound("a")],
    ids=["refused", "not found"],
)
async def test_other_cloud_errors_pass_through(paced: Paced, error: CloudError) -> None:
    paced.fake.fail_next("create", error)
    assert await paced.refused(named("a")) is error
    await paced.cloud.create(named("b"))
