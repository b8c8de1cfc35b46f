"""The contract of every CloudProvider, on the fake and on AksCloud over the AKS emulator."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from gpu_provisioner.cloud.availability import Availability, Quota, SkuAvailability
from gpu_provisioner.cloud.azure.aks_cloud import AksCloud
from gpu_provisioner.cloud.errors import (
    LaunchRefused,
    PoolBusy,
    PoolExists,
    PoolNotFound,
    Unauthorized,
)
from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.settings import Budget
from kaito_api.reasons import Reason
from kaito_kube.clock import FakeClock, SteadyClock
from tests.gpu_provisioner.emulation import SPEC, Emulation, emulation
from tests.waiting import HANG_SECONDS


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider, and how to let its operations finish, inject one of the emulator's faults, and
    stop its cluster."""

    provider: CloudProvider
    finish: Callable[[], Awaitable[None]]
    inject: Callable[[str], None]
    stop: Callable[[], None]


NAME, FAMILY = "standard_nc6s_v3", "standardncsv3family"
OFFERED = Availability(
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


def _with_fault(offered: Availability, fault: str) -> Availability:
    """Return the availability that has one of the emulator's faults."""
    listed, none = offered.skus[NAME], Quota(used=0, limit=0)
    match fault:
        case "no-family-quota":
            return replace(offered, quotas={**offered.quotas, FAMILY: none})
        case "no-regional-quota":
            return replace(
                offered, quotas={**offered.quotas, "cores": none, "lowprioritycores": none}
            )
        case "sku-not-available":
            gone = replace(listed, restriction="NotAvailableForSubscription")
            return replace(offered, skus={NAME: gone})
        case "zone-restricted":
            return replace(offered, skus={NAME: replace(listed, restricted_zones=listed.zones)})
    return replace(offered, problem="the subscription is Disabled")


def _fake() -> Subject:
    clock = FakeClock()
    cloud = FakeCloud(clock, operation=timedelta(seconds=10), offered=OFFERED)

    async def finish() -> None:
        clock.advance(11)

    def inject(fault: str) -> None:
        if fault == "forbidden":
            cloud.fail_next(
                "availability", Unauthorized(Reason.CLOUD_UNAUTHORIZED, "AuthorizationFailed")
            )
        else:
            cloud.offered = _with_fault(OFFERED, fault)

    def stop() -> None:
        cloud.state = replace(cloud.state, running=False)

    return Subject(cloud, finish, inject, stop)


@contextlib.asynccontextmanager
async def _aks(folder: Path, fault: str = "", page_size: int = 1000) -> AsyncIterator[Subject]:
    async with emulation(folder, page_size=page_size) as aks:
        if fault:
            aks.set_fault(kind=fault)
        yield Subject(aks.cloud, _until_finished(aks.cloud), _injecting(aks), aks.stop)


def _until_finished(cloud: AksCloud) -> Callable[[], Awaitable[None]]:
    async def finish() -> None:
        async with asyncio.timeout(HANG_SECONDS):
            while any(pool.state.in_flight for pool in (await cloud.list()).pools):
                await asyncio.sleep(0.05)

    return finish


def _injecting(aks: Emulation) -> Callable[[str], None]:
    def inject(fault: str) -> None:
        aks.set_fault(kind=fault)

    return inject


@pytest.fixture(params=["fake", "aks", "paced fake", "paced aks"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with contextlib.AsyncExitStack() as stack:
        aks = (
            await stack.enter_async_context(_aks(tmp_path))
            if request.param.endswith("aks")
            else _fake()
        )
        if request.param.startswith("paced"):
            paced = PacedCloud(aks.provider, SteadyClock(), Budget(reads_per_minute=6000))
            aks = replace(aks, provider=paced)
        yield aks


async def _ours(provider: CloudProvider) -> list[Pool]:
    return [pool for pool in (await provider.list()).pools if pool.name == SPEC.name]


async def test_pool_is_created_and_deleted(subject: Subject) -> None:
    cloud = subject.provider
    aks = await cloud.create(SPEC)
    assert aks.state in (PoolState.CREATING, PoolState.SUCCEEDED)
    await subject.finish()
    pool = await cloud.get(SPEC.name)
    assert pool.state is PoolState.SUCCEEDED
    assert pool.instance_type == SPEC.instance_type
    assert pool.tags["kaito-claim-uid"] == "u1"
    assert (await _ours(cloud))[0].state is PoolState.SUCCEEDED
    await cloud.delete(SPEC.name)
    await subject.finish()
    assert await _ours(cloud) == []


async def test_pool_that_exists_is_not_taken_over(subject: Subject) -> None:
    cloud = subject.provider
    await cloud.create(SPEC)
    await subject.finish()
    with pytest.raises(PoolExists, match="ws0123456ab exists already"):
        await cloud.create(replace(SPEC, tags={"kaito-claim-uid": "u2"}))
    (pool,) = await _ours(cloud)
    assert pool.state is PoolState.SUCCEEDED and pool.tags["kaito-claim-uid"] == "u1"


async def test_marks_are_added_to_those_that_are_there(subject: Subject) -> None:
    cloud = subject.provider
    await cloud.create(replace(SPEC, tags={"cost-center": "7", "KAITO-CLAIM": "old"}))
    await subject.finish()
    marks = Marks({"kaito-claim": "ws0123456ab"}, {"kaito.sh/claim-uid": "u1"})
    await cloud.add_marks(await cloud.get(SPEC.name), marks)
    await subject.finish()
    (pool,) = await _ours(cloud)
    assert pool.tags == {"cost-center": "7", "kaito-claim": "ws0123456ab"}
    assert pool.labels == {**SPEC.labels, "kaito.sh/claim-uid": "u1"}
    assert (pool.state, pool.instance_type) == (PoolState.SUCCEEDED, SPEC.instance_type)


async def test_marks_are_not_added_to_a_pool_that_has_changed(subject: Subject) -> None:
    cloud = subject.provider
    await cloud.create(SPEC)
    await subject.finish()
    known = await cloud.get(SPEC.name)
    await cloud.add_marks(known, Marks({"a": "1"}))
    await subject.finish()
    with pytest.raises(PoolBusy):
        await cloud.add_marks(known, Marks({"b": "2"}))
    assert "b" not in (await cloud.get(SPEC.name)).tags


async def test_pool_that_has_changed_is_not_deleted(tmp_path: Path) -> None:
    async with _aks(tmp_path) as subject:
        cloud = subject.provider
        await cloud.create(SPEC)
        await subject.finish()
        known = await cloud.get(SPEC.name)
        await cloud.add_marks(known, Marks({"a": "1"}))
        await subject.finish()
        with pytest.raises(PoolBusy) as busy:
            await cloud.delete(SPEC.name, etag=known.etag)
        assert not busy.value.cluster_wide
        await cloud.delete(SPEC.name, etag=(await cloud.get(SPEC.name)).etag)
        await subject.finish()
        assert await _ours(cloud) == []


async def test_budgets_block_a_deletion_unless_it_asks_to_ignore_them(tmp_path: Path) -> None:
    async with emulation(tmp_path) as aks:
        finish = _until_finished(aks.cloud)
        await aks.cloud.create(SPEC)
        await finish()
        (node,) = aks.machines.running
        aks.machines.held[node] = ("default/web-0",)
        await aks.cloud.delete(SPEC.name)
        await finish()
        pool = await aks.cloud.get(SPEC.name)
        assert pool.error is not None and pool.error.reason is Reason.TERMINATION_BLOCKED
        assert "Drain did not complete pods [web-0] within" in pool.error.message
        assert node in aks.machines.running
        await aks.cloud.delete(SPEC.name, ignore_budgets=True)
        await finish()
        with pytest.raises(PoolNotFound):
            await aks.cloud.get(SPEC.name)
        assert aks.machines.running == {}


async def test_cluster_names_its_machines_group(tmp_path: Path) -> None:
    async with _aks(tmp_path) as subject:
        state = await subject.provider.cluster()
    assert state.resource_id.endswith("/managedClusters/kaito-local")
    assert state.node_group == (
        "00000000-0000-0000-0000-000000000001/mc_kaito-rg_kaito-local_eastus"
    )


async def test_missing_pool_is_not_found(subject: Subject) -> None:
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
async def test_refusal_has_reason(subject: Subject, fault: str, reason: str) -> None:
    subject.inject(fault)
    with pytest.raises(LaunchRefused) as refused:
        await subject.provider.create(replace(SPEC, zones=("1",)))
    assert refused.value.reason == reason
    assert await _ours(subject.provider) == []


async def test_availability_lists_skus_and_quotas(subject: Subject) -> None:
    availability = await subject.provider.availability()
    assert availability.problem == ""
    assert availability.skus[NAME] == OFFERED.skus[NAME]
    assert availability.quotas[FAMILY] == Quota(used=0, limit=100_000)
    assert (
        availability.quotas["cores"].left > 0 and availability.quotas["lowprioritycores"].left > 0
    )


@pytest.mark.parametrize("spot", [False, True], ids=["on-demand", "spot"])
async def test_availability_counts_usage_of_pools(subject: Subject, spot: bool) -> None:
    before = (await subject.provider.availability()).quotas
    await subject.provider.create(replace(SPEC, spot=spot, zones=("2",)))
    await subject.finish()
    after = (await subject.provider.availability()).quotas
    taken = {name for name in OFFERED.quotas if after[name].used == before[name].used + 6}
    assert taken == ({"lowprioritycores"} if spot else {FAMILY, "cores"})
    (pool,) = await _ours(subject.provider)
    assert (pool.zones, pool.spot) == (("2",), spot)


@pytest.mark.parametrize("fault", ["no-family-quota", "sku-not-available", "zone-restricted"])
async def test_availability_predicts_refusals(subject: Subject, fault: str) -> None:
    subject.inject(fault)
    availability = await subject.provider.availability()
    listed = availability.skus[NAME]
    assert (availability.quotas[FAMILY].left == 0) is (fault == "no-family-quota")
    assert (listed.restriction == "NotAvailableForSubscription") is (fault == "sku-not-available")
    assert (listed.zones <= listed.restricted_zones) is (fault == "zone-restricted")


async def test_availability_has_all_pages(tmp_path: Path) -> None:
    async with _aks(tmp_path / "a") as whole, _aks(tmp_path / "b", page_size=5) as paged:
        wanted, found = await whole.provider.availability(), await paged.provider.availability()
    assert len(wanted.skus) > 40
    assert (found.skus, found.quotas) == (wanted.skus, wanted.quotas)


async def test_skus_are_listed_again_after_refusal(tmp_path: Path) -> None:
    async with _aks(tmp_path) as subject:
        assert (await subject.provider.availability()).skus[NAME].restriction == ""
        subject.inject("sku-not-available")
        assert (await subject.provider.availability()).skus[NAME].restriction == ""
        with pytest.raises(LaunchRefused):
            await subject.provider.create(SPEC)
        assert (await subject.provider.availability()).skus[NAME].restriction != ""


async def test_availability_reports_disabled_subscription(subject: Subject) -> None:
    subject.inject("subscription-disabled")
    assert "Disabled" in (await subject.provider.availability()).problem


async def test_forbidden_availability_is_an_error(subject: Subject) -> None:
    subject.inject("forbidden")
    with pytest.raises(Unauthorized) as refused:
        await subject.provider.availability()
    assert "AuthorizationFailed" in refused.value.message


async def test_new_pool_has_the_newest_image_and_version(subject: Subject) -> None:
    cloud = subject.provider
    await cloud.create(SPEC)
    await subject.finish()
    pool = (await _ours(cloud))[0]
    assert pool.kubernetes_version == (await cloud.cluster()).kubernetes_version != ""
    assert pool.image == await cloud.newest_image(SPEC.name) != ""
    assert pool.running
    with pytest.raises(PoolNotFound):
        await cloud.newest_image("nosuchpool")


async def test_stopped_cluster_is_not_steady(subject: Subject) -> None:
    before = await subject.provider.cluster()
    assert before.steady
    assert before.kubernetes_version.startswith("1.")
    subject.stop()
    assert not (await subject.provider.cluster()).steady


async def test_late_failed_pool_has_error(tmp_path: Path) -> None:
    async with _aks(tmp_path, fault="allocation-failed") as subject:
        await subject.provider.create(SPEC)
        await subject.finish()
        pool = await subject.provider.get(SPEC.name)
        assert pool.state is PoolState.FAILED
        assert pool.error is not None
        assert pool.error.reason == "InsufficientCapacity"


async def test_every_pool_field_reaches_aks(tmp_path: Path) -> None:
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
    async with emulation(tmp_path) as aks:
        await aks.cloud.create(asked)
        properties = aks.azure.state.pools[SPEC.name].properties
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
