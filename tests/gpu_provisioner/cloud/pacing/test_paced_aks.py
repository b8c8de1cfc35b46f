"""Pacing over the real SDK and the emulator, which counts the calls that reach ARM."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, PoolBusy, Throttled
from gpu_provisioner.cloud.pacing.paced_cloud import PacedCloud
from gpu_provisioner.cloud.pools import PoolSpec
from gpu_provisioner.settings import Budget
from kaito_kube.clock import FakeClock
from tests.gpu_provisioner.emulation import SPEC, Emulation, emulation


@pytest.fixture
async def aks(tmp_path: Path) -> AsyncIterator[Emulation]:
    async with emulation(tmp_path) as aks:
        yield aks


def specs(count: int) -> list[PoolSpec]:
    return [replace(SPEC, name=f"ws{number:03}") for number in range(count)]


async def refusal(cloud: PacedCloud, spec: PoolSpec) -> CloudError | None:
    try:
        await cloud.create(spec)
    except CloudError as error:
        return error
    return None


async def test_sdk_does_not_retry(aks: Emulation) -> None:
    aks.set_fault(kind="throttled", seconds=30)
    with pytest.raises(CloudUnavailable) as error:
        await aks.cloud.create(SPEC)
    assert error.value.retry_after_seconds == 30
    assert aks.azure.calls["agentPools.put"] == 1


async def test_throttled_creates_reach_arm_once(aks: Emulation) -> None:
    clock = FakeClock()
    cloud = PacedCloud(aks.cloud, clock, Budget())
    aks.set_fault(kind="throttled", operation="agentPools.put", seconds=30, count=1)
    first, *others = specs(20)
    assert isinstance(await refusal(cloud, first), CloudUnavailable)
    refused = await asyncio.gather(*(refusal(cloud, spec) for spec in others))
    assert {error.retry_after_seconds for error in refused if error} == {30}
    assert aks.azure.calls["agentPools.put"] == 1
    await cloud.list()
    clock.advance(30)
    assert await refusal(cloud, first) is None


async def test_one_claim_tries_while_cluster_is_busy_then_all_do(aks: Emulation) -> None:
    clock = FakeClock()
    cloud = PacedCloud(aks.cloud, clock, Budget())
    aks.set_fault(kind="conflict", count=3)
    waiting, calls = specs(20), []
    for _ in range(60):
        before = aks.azure.calls["agentPools.put"]
        answers = [(spec, await refusal(cloud, spec)) for spec in waiting]
        waiting = [spec for spec, error in answers if error is not None]
        assert {type(error) for _, error in answers} <= {PoolBusy, Throttled, type(None)}
        calls.append(aks.azure.calls["agentPools.put"] - before)
        clock.advance(1)
    assert waiting == []
    assert calls[0] == 1
    assert aks.azure.calls["agentPools.put"] == 20 + 3


async def test_pool_being_deleted_does_not_block_others(tmp_path: Path) -> None:
    async with emulation(tmp_path, operation_seconds=60) as aks:
        cloud = PacedCloud(aks.cloud, FakeClock(), Budget())
        busy, other = specs(2)
        await cloud.create(busy)
        with pytest.raises(PoolBusy) as error:
            await cloud.delete(busy.name)
        assert not error.value.cluster_wide
        assert await refusal(cloud, other) is None
