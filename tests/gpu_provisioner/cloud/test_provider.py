"""What every CloudProvider does, on the fake and on AksCloud against the AKS emulator."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from gpu_provisioner.cloud.availability import Availability, Quota, SkuAvailability
from gpu_provisioner.cloud.azure.aks_cloud import AksCloud
from gpu_provisioner.cloud.errors import LaunchRefused, PoolNotFound, Unauthorized
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.settings import Budget
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock, SystemClock
from tests.gpu_provisioner.emulation import SPEC, Emulation, emulation


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider, how time passes for it, how it is made to have one of the emulator's faults,
    and how its cluster is stopped."""

    provider: CloudProvider
    settle: Callable[[], Awaitable[None]]
    strike: Callable[[str], None]
    stop: Callable[[], None]


NAME, FAMILY = "standard_nc6s_v3", "standardncsv3family"
GOODS = Availability(
    skus={
        NAME: SkuAvailability(
            instance_type="Standard_NC6s_v3",
            family="standardNCSv3Family",
            vcpus=6,
            zones=frozenset({"1", "2", "3"}),
            memory_gib=112.0,
            gpus=1,
            arch="amd64",
        )
    },
    quotas={name: Quota(used=0, limit=100_000) for name in (FAMILY, "cores", "lowprioritycores")},
    requested_at=FakeClock().now(),
)


def _struck(goods: Availability, fault: str) -> Availability:
    """The emulator's faults in the market's own terms."""
    sold, none = goods.skus[NAME], Quota(used=0, limit=0)
    match fault:
        case "no-family-quota":
            return replace(goods, quotas={**goods.quotas, FAMILY: none})
        case "no-regional-quota":
            return replace(goods, quotas={**goods.quotas, "cores": none, "lowprioritycores": none})
        case "sku-not-available":
            gone = replace(sold, restriction="NotAvailableForSubscription")
            return replace(goods, skus={NAME: gone})
        case "zone-restricted":
            return replace(goods, skus={NAME: replace(sold, restricted_zones=sold.zones)})
    return replace(goods, problem="the subscription is Disabled")


def _fake() -> Subject:
    clock = FakeClock()
    cloud = FakeCloud(clock, operation=timedelta(seconds=10), offered=GOODS)

    async def settle() -> None:
        clock.advance(11)

    def strike(fault: str) -> None:
        if fault == "forbidden":
            cloud.fail_next(
                "availability", Unauthorized(Reason.CLOUD_UNAUTHORIZED, "AuthorizationFailed")
            )
        else:
            cloud.offered = _struck(GOODS, fault)

    def stop() -> None:
        cloud.state = replace(cloud.state, running=False)

    return Subject(cloud, settle, strike, stop)


@contextlib.asynccontextmanager
async def _aks(folder: Path, fault: str = "", page_size: int = 1000) -> AsyncIterator[Subject]:
    async with emulation(folder, page_size=page_size) as made:
        if fault:
            made.set_fault(kind=fault)
        yield Subject(made.cloud, _until_settled(made.cloud), _striking(made), made.stop)


def _until_settled(cloud: AksCloud) -> Callable[[], Awaitable[None]]:
    async def settle() -> None:
        async with asyncio.timeout(20):
            while any(pool.state.in_flight for pool in (await cloud.list()).pools):
                await asyncio.sleep(0.05)

    return settle


def _striking(made: Emulation) -> Callable[[str], None]:
    def strike(fault: str) -> None:
        made.set_fault(kind=fault)

    return strike


@pytest.fixture(params=["fake", "aks", "paced fake", "paced aks"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with contextlib.AsyncExitStack() as stack:
        made = (
            await stack.enter_async_context(_aks(tmp_path))
            if request.param.endswith("aks")
            else _fake()
        )
        if request.param.startswith("paced"):
            paced = PacedCloud(made.provider, SystemClock(), Budget(reads_per_minute=6000))
            made = replace(made, provider=paced)
        yield made


async def _ours(provider: CloudProvider) -> list[Pool]:
    return [pool for pool in (await provider.list()).pools if pool.name == SPEC.name]


async def test_a_pool_is_made_and_deleted(subject: Subject) -> None:
    cloud = subject.provider
    made = await cloud.create(SPEC)
    assert made.state in (PoolState.CREATING, PoolState.SUCCEEDED)
    await subject.settle()
    pool = await cloud.get(SPEC.name)
    assert pool.state is PoolState.SUCCEEDED
    assert pool.instance_type == SPEC.instance_type
    assert pool.tags["kaito-claim-uid"] == "u1"
    assert (await _ours(cloud))[0].state is PoolState.SUCCEEDED
    await cloud.delete(SPEC.name)
    await subject.settle()
    assert await _ours(cloud) == []


async def test_creating_again_changes_nothing(subject: Subject) -> None:
    cloud = subject.provider
    await cloud.create(SPEC)
    await subject.settle()
    await cloud.create(SPEC)
    await subject.settle()
    assert [pool.state for pool in await _ours(cloud)] == [PoolState.SUCCEEDED]


async def test_what_is_not_there_is_not_found(subject: Subject) -> None:
    with pytest.raises(PoolNotFound):
        await subject.provider.get("nosuchpool")
    await subject.provider.delete("nosuchpool")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("no-family-quota", "QuotaExceeded"),
        ("no-regional-quota", "QuotaExceeded"),
        ("sku-not-available", "SkuNotAvailable"),
        ("zone-restricted", "SkuNotAvailable"),
        ("subscription-disabled", "SubscriptionDisabled"),
    ],
)
async def test_a_refusal_carries_its_reason(subject: Subject, fault: str, reason: str) -> None:
    subject.strike(fault)
    with pytest.raises(LaunchRefused) as refused:
        await subject.provider.create(replace(SPEC, zones=("1",)))
    assert refused.value.reason == reason
    assert await _ours(subject.provider) == []


async def test_the_market_tells_what_is_for_sale(subject: Subject) -> None:
    availability = await subject.provider.availability()
    assert availability.problem == ""
    assert availability.skus[NAME] == GOODS.skus[NAME]
    assert availability.quotas[FAMILY] == Quota(used=0, limit=100_000)
    assert (
        availability.quotas["cores"].left > 0 and availability.quotas["lowprioritycores"].left > 0
    )


@pytest.mark.parametrize("spot", [False, True], ids=["on-demand", "spot"])
async def test_the_market_tells_what_a_pool_takes(subject: Subject, spot: bool) -> None:
    before = (await subject.provider.availability()).quotas
    await subject.provider.create(replace(SPEC, spot=spot, zones=("2",)))
    await subject.settle()
    after = (await subject.provider.availability()).quotas
    taken = {name for name in GOODS.quotas if after[name].used == before[name].used + 6}
    assert taken == ({"lowprioritycores"} if spot else {FAMILY, "cores"})
    (pool,) = await _ours(subject.provider)
    assert (pool.zones, pool.spot) == (("2",), spot)


@pytest.mark.parametrize("fault", ["no-family-quota", "sku-not-available", "zone-restricted"])
async def test_the_market_tells_what_a_create_would_be_refused_for(
    subject: Subject, fault: str
) -> None:
    subject.strike(fault)
    availability = await subject.provider.availability()
    sold = availability.skus[NAME]
    assert (availability.quotas[FAMILY].left == 0) is (fault == "no-family-quota")
    assert (sold.restriction == "NotAvailableForSubscription") is (fault == "sku-not-available")
    assert (sold.zones <= sold.restricted_zones) is (fault == "zone-restricted")


async def test_the_market_is_whole_however_many_pages_it_comes_in(tmp_path: Path) -> None:
    async with _aks(tmp_path / "a") as whole, _aks(tmp_path / "b", page_size=5) as paged:
        wanted, found = await whole.provider.availability(), await paged.provider.availability()
    assert len(wanted.skus) > 40
    assert (found.skus, found.quotas) == (wanted.skus, wanted.quotas)


async def test_skus_are_listed_anew_once_one_was_refused(tmp_path: Path) -> None:
    async with _aks(tmp_path) as subject:
        assert (await subject.provider.availability()).skus[NAME].restriction == ""
        subject.strike("sku-not-available")
        assert (await subject.provider.availability()).skus[NAME].restriction == ""
        with pytest.raises(LaunchRefused):
            await subject.provider.create(SPEC)
        assert (await subject.provider.availability()).skus[NAME].restriction != ""


async def test_the_market_tells_of_a_disabled_subscription(subject: Subject) -> None:
    subject.strike("subscription-disabled")
    assert "Disabled" in (await subject.provider.availability()).problem


async def test_a_market_that_may_not_be_read_is_an_error(subject: Subject) -> None:
    subject.strike("forbidden")
    with pytest.raises(Unauthorized) as refused:
        await subject.provider.availability()
    assert "AuthorizationFailed" in refused.value.message


async def test_a_pool_is_as_new_as_its_cluster(subject: Subject) -> None:
    cloud = subject.provider
    await cloud.create(SPEC)
    await subject.settle()
    pool = (await _ours(cloud))[0]
    assert pool.kubernetes_version == (await cloud.cluster()).kubernetes_version != ""
    assert pool.image == await cloud.newest_image(SPEC.name) != ""
    assert pool.running
    with pytest.raises(PoolNotFound):
        await cloud.newest_image("nosuchpool")


async def test_a_cluster_that_was_stopped_is_not_steady(subject: Subject) -> None:
    before = await subject.provider.cluster()
    assert before.steady
    assert before.kubernetes_version.startswith("1.")
    subject.stop()
    assert not (await subject.provider.cluster()).steady


async def test_a_pool_that_failed_late_says_why(tmp_path: Path) -> None:
    async with _aks(tmp_path, fault="allocation-failed") as subject:
        await subject.provider.create(SPEC)
        await subject.settle()
        pool = await subject.provider.get(SPEC.name)
        assert pool.state is PoolState.FAILED
        assert pool.error is not None
        assert pool.error.reason == "InsufficientCapacity"


async def test_every_option_of_a_pool_reaches_aks(tmp_path: Path) -> None:
    resources = "/subscriptions/s/resourceGroups/r/providers"
    subnet = f"{resources}/Microsoft.Network/virtualNetworks/v/subnets/n"
    placement = f"{resources}/Microsoft.Compute/proximityPlacementGroups/p"
    asked = replace(
        SPEC,
        zones=("1",),
        spot=True,
        spot_max_price=0.5,
        os_sku="AzureLinux3",
        os_disk_type="Ephemeral",
        gpu_driver="None",
        gpu_instance_profile="MIG1g",
        subnet_id=subnet,
        proximity_placement_group_id=placement,
        max_pods=30,
        encryption_at_host=True,
    )
    async with emulation(tmp_path) as made:
        await made.cloud.create(asked)
        properties = made.azure.state.pools[SPEC.name].properties
    assert (
        properties.items()
        >= {
            "availabilityZones": ["1"],
            "scaleSetPriority": "Spot",
            "scaleSetEvictionPolicy": "Delete",
            "spotMaxPrice": 0.5,
            "osSKU": "AzureLinux3",
            "osDiskType": "Ephemeral",
            "gpuProfile": {"driver": "None"},
            "gpuInstanceProfile": "MIG1g",
            "vnetSubnetID": subnet,
            "proximityPlacementGroupID": placement,
            "maxPods": 30,
            "enableEncryptionAtHost": True,
            "enableNodePublicIP": False,
            "tags": dict(SPEC.tags),
        }.items()
    )
