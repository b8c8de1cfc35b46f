"""When the market is read, and what is remembered between choices."""

import asyncio
import logging
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, LaunchRefused, Unauthorized
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.offerings.selection import NoOffering, Selection
from gpu_provisioner.offerings.selector import OfferingSelector
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock
from tests.gpu_provisioner.offerings.builders import (
    A100,
    CATALOG,
    T4,
    availability,
    claim,
    named,
    sku,
)

NO_CAPACITY = LaunchRefused(Reason.INSUFFICIENT_CAPACITY, "none left")


class Desk:
    """A buyer over the cloud in memory, and a clock."""

    def __init__(self, available: Availability | None = None) -> None:
        self.clock = FakeClock()
        self.cloud = FakeCloud(self.clock, offered=available)
        self.registry = CollectorRegistry()
        self.selector = OfferingSelector(self.cloud, self.clock, Metrics(self.registry), CATALOG)

    def reads(self) -> int:
        return self.cloud.calls.count(("availability", ""))

    def first(self, asked: Claim) -> str:
        found = self.selector.select(asked)
        return found.candidates[0].instance_type if isinstance(found, Selection) else found.reason


def spec(name: str, instance_type: str = T4) -> PoolSpec:
    return PoolSpec(
        name=name,
        instance_type=instance_type,
        os_disk_gib=None,
        os_sku="Ubuntu",
        labels={},
        taints=(),
        tags={},
    )


def pool(state: PoolState, error: CloudError | None = None) -> Pool:
    return Pool(name="ws1", state=state, instance_type=T4, error=error)


async def test_the_market_is_read_once_for_all_and_again_when_it_is_old() -> None:
    desk = Desk(availability(sku(T4)))
    await asyncio.gather(*(desk.selector.refresh() for _ in range(10)))
    assert desk.reads() == 1
    desk.clock.advance(59)
    await desk.selector.refresh()
    assert desk.reads() == 1
    desk.clock.advance(1)
    await desk.selector.refresh()
    assert desk.reads() == 2


async def test_nobody_waits_for_a_reading_where_something_is_known() -> None:
    desk = Desk(availability(sku(T4)))
    await desk.selector.refresh()
    desk.clock.advance(60)
    async with desk.selector._reading:
        await asyncio.wait_for(desk.selector.refresh(), 1)
    assert desk.reads() == 1


@pytest.mark.parametrize(
    ("reason", "reads"),
    [
        (Reason.QUOTA_EXCEEDED, 2),
        (Reason.SKU_NOT_AVAILABLE, 2),
        (Reason.INSUFFICIENT_CAPACITY, 1),
    ],
)
async def test_a_refusal_that_the_market_may_explain_has_it_read_anew(
    reason: Reason, reads: int
) -> None:
    desk = Desk(availability(sku(T4)))
    await desk.selector.refresh()
    desk.clock.advance(10)
    assert desk.selector.create_refused(spec("ws1"), LaunchRefused(reason, "no"))
    await desk.selector.refresh()
    assert desk.reads() == reads


async def test_many_refusals_at_once_do_not_have_it_read_as_often() -> None:
    desk = Desk(availability(sku(T4)))
    for _ in range(50):
        await desk.selector.refresh()
        desk.selector.create_refused(spec("ws1"), LaunchRefused(Reason.QUOTA_EXCEEDED, "no"))
        desk.clock.advance(1)
    assert desk.reads() <= 6


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized(Reason.CLOUD_UNAUTHORIZED, "may not"),
        CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "gone"),
    ],
    ids=lambda error: error.reason,
)
async def test_a_market_that_cannot_be_read_forbids_nothing(
    error: CloudError, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(availability(sku(T4, restriction="NotAvailableForSubscription")))
    for _ in range(3):
        desk.cloud.fail_next("availability", error)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await desk.selector.refresh()
            assert desk.first(claim(named(T4))) == T4
            desk.clock.advance(60)
        await desk.selector.refresh()
    assert desk.first(claim(named(T4))) == "SkuNotAvailable"
    told = [record.message for record in caplog.records]
    assert len(told) == 2 and error.message in told[0] and "can be read again" in told[1]
    labels = {"reason": error.reason.value}
    assert desk.registry.get_sample_value("kaito_market_unreadable_total", labels) == 3


async def test_what_the_market_said_last_holds_for_a_while_when_it_cannot_be_read() -> None:
    desk = Desk(availability(sku(T4), cores=(0, 0)))
    await desk.selector.refresh()
    for _ in range(10):
        desk.cloud.fail_next("availability", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "gone"))
    answers = []
    for _ in range(6):
        desk.clock.advance(60)
        await desk.selector.refresh()
        answers.append(desk.first(claim(named(T4))))
    assert answers == ["QuotaExceeded"] * 5 + [T4]


async def test_a_market_that_throttles_is_left_alone_as_long_as_it_asks() -> None:
    desk = Desk()
    desk.cloud.fail_next("availability", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "429", 300.0))
    await desk.selector.refresh()
    desk.clock.advance(299)
    await desk.selector.refresh()
    assert desk.reads() == 1
    desk.clock.advance(1)
    await desk.selector.refresh()
    assert desk.reads() == 2


async def test_ten_claims_share_the_quota_of_three() -> None:
    desk = Desk(availability(sku(T4), cores=(0, 13)))
    await desk.selector.refresh()
    got = []
    for number in range(10):
        asked = claim(named(T4), name=f"ws{number}")
        got.append(desk.first(asked))
        if got[-1] == T4:
            desk.selector.reserve(spec(asked.name))
    assert got == [T4] * 3 + ["QuotaExceeded"] * 7


async def test_what_was_refused_is_free_for_the_next() -> None:
    desk = Desk(availability(sku(T4), cores=(0, 4)))
    await desk.selector.refresh()
    desk.selector.reserve(spec("ws1"))
    assert desk.first(claim(named(T4), name="ws2")) == "QuotaExceeded"
    assert not desk.selector.create_refused(
        spec("ws1"), LaunchRefused(Reason.LAUNCH_FAILED, "bad request")
    )
    assert desk.first(claim(named(T4), name="ws2")) == T4


@pytest.mark.parametrize("how", ["deleted", "changed its mind"])
async def test_a_claim_that_wants_none_any_more_holds_none(how: str) -> None:
    desk = Desk(availability(sku(T4), cores=(0, 4)))
    await desk.selector.refresh()
    desk.selector.reserve(spec("ws1"))
    if how == "deleted":
        desk.selector.forget("ws1")
    else:
        assert isinstance(desk.selector.select(claim(name="ws1")), NoOffering)
    assert desk.first(claim(named(T4), name="ws2")) == T4


async def test_a_pool_whose_answer_was_lost_counts_until_the_usages_show_it() -> None:
    desk = Desk(availability(sku(T4), cores=(0, 8)))
    await desk.selector.refresh()
    desk.selector.reserve(spec("ws1"))
    desk.clock.advance(60)
    await desk.selector.refresh()
    assert desk.first(claim(named(T4), name="ws2")) == T4
    desk.selector.reserve(spec("ws2"))
    assert desk.first(claim(named(T4), name="ws3")) == "QuotaExceeded"
    for name in ("ws1", "ws2"):
        found = Pool(name=name, state=PoolState.CREATING, instance_type=T4)
        desk.cloud.seed(found)
        desk.selector.observe(found, joined=False)
    desk.clock.advance(60)
    await desk.selector.refresh()
    answer = desk.selector.select(claim(named(T4), name="ws3"))
    assert isinstance(answer, NoOffering) and "(8 used)" in answer.message


async def test_what_failed_late_is_left_alone_from_when_it_was_first_seen() -> None:
    desk = Desk()
    for state in (PoolState.FAILED, PoolState.FAILED, PoolState.DELETING):
        desk.selector.observe(pool(state, NO_CAPACITY), joined=False)
        assert desk.first(claim(named(T4, A100))) == A100
        desk.clock.advance(60)
    desk.selector.observe(pool(PoolState.DELETING, NO_CAPACITY), joined=False)
    assert desk.first(claim(named(T4, A100))) == T4


async def test_the_next_pool_of_that_claim_may_fail_as_well() -> None:
    desk = Desk()
    failed = pool(PoolState.FAILED, NO_CAPACITY)
    desk.selector.observe(failed, joined=False)
    desk.clock.advance(180)
    desk.selector.reserve(spec(failed.name))
    desk.selector.observe(failed, joined=False)
    desk.clock.advance(179)
    assert desk.first(claim(named(T4, A100))) == A100


@pytest.mark.parametrize(
    ("seen", "joined"),
    [
        (pool(PoolState.FAILED, NO_CAPACITY), True),
        (pool(PoolState.FAILED, LaunchRefused(Reason.LAUNCH_FAILED, "internal error")), False),
        (pool(PoolState.FAILED), False),
        (pool(PoolState.CREATING, NO_CAPACITY), False),
    ],
    ids=["its machine joined", "another failure", "no word of why", "being made anew"],
)
async def test_what_says_nothing_of_the_offering(seen: Pool, joined: bool) -> None:
    desk = Desk()
    desk.selector.observe(seen, joined=joined)
    assert desk.first(claim(named(T4, A100))) == T4


async def test_a_machine_that_is_there_ends_the_shortage() -> None:
    desk = Desk()
    desk.selector.observe(pool(PoolState.FAILED, NO_CAPACITY), joined=False)
    desk.selector.observe(pool(PoolState.SUCCEEDED), joined=False)
    assert desk.first(claim(named(T4, A100))) == T4


async def test_after_a_shortage_one_claim_tries_for_all() -> None:
    desk = Desk()
    assert desk.selector.create_refused(spec("ws1"), NO_CAPACITY)
    desk.clock.advance(timedelta(minutes=3).total_seconds())
    desk.selector.reserve(spec("ws2"))
    assert desk.first(claim(named(T4), name="ws3")) == "InsufficientCapacity"
    desk.selector.create_accepted(spec("ws2"))
    assert desk.first(claim(named(T4), name="ws3")) == T4
