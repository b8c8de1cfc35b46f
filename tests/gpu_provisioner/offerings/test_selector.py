"""When the availability is read, and what is remembered between selections."""

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
from tests.waiting import HANG_SECONDS

NO_CAPACITY = LaunchRefused(Reason.INSUFFICIENT_CAPACITY, "none left")


class Setup:
    """A selector over the fake cloud, and a clock."""

    def __init__(self, available: Availability | None = None) -> None:
        self.clock = FakeClock()
        self.cloud = FakeCloud(self.clock, offered=available)
        self.registry = CollectorRegistry()
        self.selector = OfferingSelector(self.cloud, self.clock, Metrics(self.registry), CATALOG)

    def reads(self) -> int:
        return self.cloud.calls.count(("availability", ""))

    def first(self, wanted: Claim) -> str:
        found = self.selector.select(wanted)
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


async def test_availability_is_read_once_and_again_when_expired() -> None:
    setup = Setup(availability(sku(T4)))
    await asyncio.gather(*(setup.selector.refresh() for _ in range(10)))
    assert setup.reads() == 1
    setup.clock.advance(59)
    await setup.selector.refresh()
    assert setup.reads() == 1
    setup.clock.advance(1)
    await setup.selector.refresh()
    assert setup.reads() == 2


async def test_refresh_does_not_wait_while_availability_is_known() -> None:
    setup = Setup(availability(sku(T4)))
    await setup.selector.refresh()
    setup.clock.advance(60)
    async with setup.selector._reading:
        await asyncio.wait_for(setup.selector.refresh(), HANG_SECONDS)
    assert setup.reads() == 1


@pytest.mark.parametrize(
    ("reason", "reads"),
    [
        (Reason.QUOTA_EXCEEDED, 2),
        (Reason.SKU_NOT_AVAILABLE, 2),
        (Reason.INSUFFICIENT_CAPACITY, 1),
    ],
)
async def test_explainable_refusal_refreshes_availability(reason: Reason, reads: int) -> None:
    setup = Setup(availability(sku(T4)))
    await setup.selector.refresh()
    setup.clock.advance(10)
    assert setup.selector.create_refused(spec("ws1"), LaunchRefused(reason, "no"))
    await setup.selector.refresh()
    assert setup.reads() == reads


async def test_many_refusals_cause_one_refresh() -> None:
    setup = Setup(availability(sku(T4)))
    for _ in range(50):
        await setup.selector.refresh()
        setup.selector.create_refused(spec("ws1"), LaunchRefused(Reason.QUOTA_EXCEEDED, "no"))
        setup.clock.advance(1)
    assert setup.reads() <= 6


@pytest.mark.parametrize(
    "error",
    [
        Unauthorized(Reason.CLOUD_UNAUTHORIZED, "may not"),
        CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "gone"),
    ],
    ids=lambda error: error.reason,
)
async def test_unreadable_availability_forbids_nothing(
    error: CloudError, caplog: pytest.LogCaptureFixture
) -> None:
    setup = Setup(availability(sku(T4, restriction="NotAvailableForSubscription")))
    for _ in range(3):
        setup.cloud.fail_next("availability", error)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            await setup.selector.refresh()
            assert setup.first(claim(named(T4))) == T4
            setup.clock.advance(60)
        await setup.selector.refresh()
    assert setup.first(claim(named(T4))) == "SkuNotAvailable"
    messages = [record.message for record in caplog.records]
    assert (
        len(messages) == 2 and error.message in messages[0] and "can be read again" in messages[1]
    )
    labels = {"reason": error.reason.value}
    assert setup.registry.get_sample_value("kaito_market_unreadable_total", labels) == 3


async def test_last_availability_is_used_for_a_while() -> None:
    setup = Setup(availability(sku(T4), cores=(0, 0)))
    await setup.selector.refresh()
    for _ in range(10):
        setup.cloud.fail_next("availability", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "gone"))
    answers = []
    for _ in range(6):
        setup.clock.advance(60)
        await setup.selector.refresh()
        answers.append(setup.first(claim(named(T4))))
    assert answers == ["QuotaExceeded"] * 5 + [T4]


async def test_throttled_availability_waits_for_retry_after() -> None:
    setup = Setup()
    setup.cloud.fail_next("availability", CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "429", 300.0))
    await setup.selector.refresh()
    setup.clock.advance(299)
    await setup.selector.refresh()
    assert setup.reads() == 1
    setup.clock.advance(1)
    await setup.selector.refresh()
    assert setup.reads() == 2


async def test_ten_claims_share_quota_for_three() -> None:
    setup = Setup(availability(sku(T4), cores=(0, 13)))
    await setup.selector.refresh()
    got = []
    for number in range(10):
        wanted = claim(named(T4), name=f"ws{number}")
        got.append(setup.first(wanted))
        if got[-1] == T4:
            setup.selector.reserve(spec(wanted.name))
    assert got == [T4] * 3 + ["QuotaExceeded"] * 7


async def test_refused_claim_frees_its_quota() -> None:
    setup = Setup(availability(sku(T4), cores=(0, 4)))
    await setup.selector.refresh()
    setup.selector.reserve(spec("ws1"))
    assert setup.first(claim(named(T4), name="ws2")) == "QuotaExceeded"
    assert not setup.selector.create_refused(
        spec("ws1"), LaunchRefused(Reason.LAUNCH_FAILED, "bad request")
    )
    assert setup.first(claim(named(T4), name="ws2")) == T4


@pytest.mark.parametrize("how", ["deleted", "changed its mind"])
async def test_forgotten_claim_reserves_no_quota(how: str) -> None:
    setup = Setup(availability(sku(T4), cores=(0, 4)))
    await setup.selector.refresh()
    setup.selector.reserve(spec("ws1"))
    if how == "deleted":
        setup.selector.forget("ws1")
    else:
        assert isinstance(setup.selector.select(claim(name="ws1")), NoOffering)
    assert setup.first(claim(named(T4), name="ws2")) == T4


async def test_pool_with_lost_response_reserves_quota_until_counted() -> None:
    setup = Setup(availability(sku(T4), cores=(0, 8)))
    await setup.selector.refresh()
    setup.selector.reserve(spec("ws1"))
    setup.clock.advance(60)
    await setup.selector.refresh()
    assert setup.first(claim(named(T4), name="ws2")) == T4
    setup.selector.reserve(spec("ws2"))
    assert setup.first(claim(named(T4), name="ws3")) == "QuotaExceeded"
    for name in ("ws1", "ws2"):
        found = Pool(name=name, state=PoolState.CREATING, instance_type=T4)
        setup.cloud.seed(found)
        setup.selector.observe(found, joined=False)
    setup.clock.advance(60)
    await setup.selector.refresh()
    answer = setup.selector.select(claim(named(T4), name="ws3"))
    assert isinstance(answer, NoOffering) and "(8 used)" in answer.message


async def test_late_failure_counts_from_first_observation() -> None:
    setup = Setup()
    for state in (PoolState.FAILED, PoolState.FAILED, PoolState.DELETING):
        setup.selector.observe(pool(state, NO_CAPACITY), joined=False)
        assert setup.first(claim(named(T4, A100))) == A100
        setup.clock.advance(60)
    setup.selector.observe(pool(PoolState.DELETING, NO_CAPACITY), joined=False)
    assert setup.first(claim(named(T4, A100))) == T4


async def test_next_pool_of_claim_may_fail_too() -> None:
    setup = Setup()
    failed = pool(PoolState.FAILED, NO_CAPACITY)
    setup.selector.observe(failed, joined=False)
    setup.clock.advance(180)
    setup.selector.reserve(spec(failed.name))
    setup.selector.observe(failed, joined=False)
    setup.clock.advance(179)
    assert setup.first(claim(named(T4, A100))) == A100


@pytest.mark.parametrize(
    ("seen", "joined"),
    [
        (pool(PoolState.FAILED, NO_CAPACITY), True),
        (pool(PoolState.FAILED, LaunchRefused(Reason.LAUNCH_FAILED, "internal error")), False),
        (pool(PoolState.FAILED), False),
        (pool(PoolState.CREATING, NO_CAPACITY), False),
    ],
    ids=["its machine joined", "another failure", "no error", "being created again"],
)
async def test_other_errors_leave_offering_available(seen: Pool, joined: bool) -> None:
    setup = Setup()
    setup.selector.observe(seen, joined=joined)
    assert setup.first(claim(named(T4, A100))) == T4


async def test_joined_machine_makes_offering_available() -> None:
    setup = Setup()
    setup.selector.observe(pool(PoolState.FAILED, NO_CAPACITY), joined=False)
    setup.selector.observe(pool(PoolState.SUCCEEDED), joined=False)
    assert setup.first(claim(named(T4, A100))) == T4


async def test_one_claim_probes_for_all() -> None:
    setup = Setup()
    assert setup.selector.create_refused(spec("ws1"), NO_CAPACITY)
    setup.clock.advance(timedelta(minutes=3).total_seconds())
    setup.selector.reserve(spec("ws2"))
    assert setup.first(claim(named(T4), name="ws3")) == "InsufficientCapacity"
    setup.selector.create_accepted(spec("ws2"))
    assert setup.first(claim(named(T4), name="ws3")) == T4
