"""What reaches the cloud when it throttles, is busy, or could be asked too much."""

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


class Pieces:
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
def pieces() -> Pieces:
    return Pieces()


def named(name: str, created: str = "") -> PoolSpec:
    return replace(SPEC, name=name, labels={labels.CREATION_TIMESTAMP: created})


async def test_a_throttled_create_stops_all_creates_until_the_cloud_allows_them(
    pieces: Pieces,
) -> None:
    pieces.fake.fail_next("create", THROTTLED)
    assert (await pieces.refused(named("a"))).retry_after_seconds == 17
    pieces.clock.advance(7)
    error = await pieces.refused(named("b"))
    assert isinstance(error, CloudUnavailable)
    assert error.retry_after_seconds == 10
    assert error.message == (
        "Azure answered 429 TooManyRequests: writes wait until Azure accepts them again"
    )
    assert pieces.reached("create") == ["a"]
    pieces.clock.advance(10)
    await pieces.cloud.create(named("b"))
    assert pieces.reached("create") == ["a", "b"]


async def test_reads_and_deletes_go_on_while_writes_are_throttled(pieces: Pieces) -> None:
    pieces.fake.fail_next("create", THROTTLED)
    await pieces.refused(named("a"))
    await pieces.cloud.list()
    await pieces.cloud.delete("a")
    assert pieces.reached("delete") == ["a"]


async def test_a_throttled_list_stops_reads(pieces: Pieces) -> None:
    pieces.fake.fail_next("list", THROTTLED)
    for call in (pieces.cloud.list(), pieces.cloud.list(), pieces.cloud.get("a")):
        with pytest.raises(CloudUnavailable):
            await call
    assert len(pieces.fake.calls) == 1
    await pieces.cloud.create(named("a"))


async def test_a_cloud_that_does_not_answer_is_left_alone_for_a_moment(pieces: Pieces) -> None:
    pieces.fake.fail_next(
        "create",
        CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "Azure does not answer: connection cut"),
    )
    await pieces.refused(named("a"))
    await pieces.refused(named("b"))
    pieces.clock.advance(1)
    await pieces.cloud.create(named("b"))
    assert pieces.reached("create") == ["a", "b"]


async def test_writes_over_the_budget_wait_their_turn() -> None:
    pieces = Pieces(Budget(writes_per_minute=6))
    for name in "ab":
        await pieces.cloud.create(named(name))
    waits = [await pieces.refused(named(name)) for name in "cd"]
    assert [type(error) for error in waits] == [Throttled, Throttled]
    assert [error.retry_after_seconds for error in waits] == [10, 20]
    assert "limited to 6 a minute (setting armWritesPerMinute)" in waits[0].message
    pieces.clock.advance(10)
    await pieces.cloud.create(named("c"))
    await pieces.refused(named("d"))
    assert pieces.reached("create") == ["a", "b", "c"]


async def test_while_the_cluster_is_busy_only_the_oldest_asks(pieces: Pieces) -> None:
    specs = [named("young", "2026-01-02"), named("old", "2026-01-01"), named("new", "2026-01-03")]
    pieces.fake.fail_next("create", BUSY)
    await pieces.refused(specs[0])
    for spec in specs:
        assert isinstance(await pieces.refused(spec), Throttled)
    pieces.clock.advance(5)
    await pieces.refused(specs[2])
    await pieces.cloud.create(specs[1])
    assert pieces.reached("create") == ["young", "old"]
    for spec in (specs[0], specs[2]):
        await pieces.cloud.create(spec)


async def test_deletes_wait_for_a_busy_cluster_as_well_and_go_first(pieces: Pieces) -> None:
    await pieces.cloud.create(named("gone"))
    pieces.fake.fail_next("create", BUSY)
    await pieces.refused(named("a", "2026-01-01"))
    with pytest.raises(Throttled):
        await pieces.cloud.delete("gone")
    pieces.clock.advance(5)
    await pieces.refused(named("a", "2026-01-01"))
    await pieces.cloud.delete("gone")
    await pieces.cloud.create(named("a", "2026-01-01"))


async def test_a_pool_that_is_busy_itself_holds_up_no_other(pieces: Pieces) -> None:
    pieces.fake.fail_next("create", PoolBusy(Reason.CLOUD_UNAVAILABLE, "a is being deleted", 5.0))
    assert isinstance(await pieces.refused(named("a")), PoolBusy)
    await pieces.cloud.create(named("b"))


@pytest.mark.parametrize(
    "error",
    [LaunchRefused(Reason.QUOTA_EXCEEDED, "none left"), PoolNotFound("a")],
    ids=["refused", "not found"],
)
async def test_what_the_cloud_answers_otherwise_goes_through(
    pieces: Pieces, error: CloudError
) -> None:
    pieces.fake.fail_next("create", error)
    assert await pieces.refused(named("a")) is error
    await pieces.cloud.create(named("b"))
