"""What every CloudProvider does, on the fake and on AksCloud against the AKS emulator."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import jwt
import pytest

from gpu_provisioner.azure.aks_cloud import AksCloud
from gpu_provisioner.cloud import (
    CloudError,
    CloudProvider,
    LaunchRefused,
    Pool,
    PoolNotFound,
    PoolSpec,
    PoolState,
)
from gpu_provisioner.fake import FakeCloud
from gpu_provisioner.settings import Azure
from kaito_kube.clock import FakeClock, SystemClock
from tools.aks_emulator.core.azure import Azure as Emulated
from tools.aks_emulator.emulator import running
from tools.aks_emulator.machines.seam import FakeMachines
from tools.aks_emulator.settings import Settings
from tools.aks_emulator.web import admin
from tools.aks_emulator.web.assertions import AUDIENCE
from tools.aks_emulator.web.keys import NoKeys

SPEC = PoolSpec(
    name="ws0123456ab",
    instance_type="Standard_NC6s_v3",
    os_disk_gib=128,
    os_sku="Ubuntu",
    labels={"app": "phi", "kaito.sh/workspace": "phi"},
    taints=("sku=gpu:NoSchedule",),
    tags={"kaito-managed-by": "gpu-provisioner", "kaito-claim-uid": "u1"},
)


@dataclass(frozen=True, slots=True)
class Subject:
    """A provider, how time passes for it, and how it is made to refuse a quota."""

    provider: CloudProvider
    settle: Callable[[], Awaitable[None]]
    refuse_quota: Callable[[], Awaitable[None]]


def _fake() -> Subject:
    clock = FakeClock()
    cloud = FakeCloud(clock, operation=timedelta(seconds=10))

    async def settle() -> None:
        clock.advance(11)

    async def refuse() -> None:
        cloud.fail_next("create", LaunchRefused("QuotaExceeded", "0 of 6 vCPUs left in eastus"))

    return Subject(cloud, settle, refuse)


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _token(folder: Path) -> Path:
    claims = {"aud": [AUDIENCE], "sub": "system:serviceaccount:k:g", "iss": "https://k",
              "exp": int(time.time()) + 600}  # fmt: skip
    path = folder / "token"
    path.write_text(jwt.encode(claims, "a-key-of-at-least-32-bytes-length", algorithm="HS256"))
    return path


def _settings(emulator: Settings, ca: Path, token: Path) -> Azure:
    place = emulator.place
    return Azure(
        subscription_id=place.subscription,
        resource_group=place.resource_group,
        cluster_name=place.cluster,
        location=place.location,
        tenant_id=place.tenant,
        client_id="client",
        arm_endpoint=emulator.url,
        arm_audience=emulator.url,
        authority_host=emulator.url,
        instance_discovery=False,
        token_file=str(token),
        ca_file=str(ca),
    )


@contextlib.asynccontextmanager
async def _aks(folder: Path, fault: str = "") -> AsyncIterator[Subject]:
    settings = Settings(
        home=folder / "aks", host="127.0.0.1", port=_port(), operation_seconds=0.05, retry_after=0
    )
    async with running(settings, FakeMachines(), NoKeys()) as emulator:
        if fault:
            assert admin.set_fault(emulator.azure, {"kind": fault}).status == 201
        azure = _settings(settings, emulator.certificates.ca, _token(folder))
        async with AksCloud(azure, SystemClock()) as cloud:
            yield Subject(cloud, _until_settled(cloud), _no_quota(emulator.azure))


def _until_settled(cloud: AksCloud) -> Callable[[], Awaitable[None]]:
    async def settle() -> None:
        async with asyncio.timeout(20):
            while any(pool.state.in_flight for pool in (await cloud.list()).pools):
                await asyncio.sleep(0.05)

    return settle


def _no_quota(azure: Emulated) -> Callable[[], Awaitable[None]]:
    async def refuse() -> None:
        assert admin.set_fault(azure, {"kind": "no-family-quota"}).status == 201

    return refuse


@pytest.fixture(params=["fake", "aks"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    if request.param == "fake":
        yield _fake()
        return
    async with _aks(tmp_path) as made:
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


async def test_a_quota_refusal_carries_its_reason(subject: Subject) -> None:
    await subject.refuse_quota()
    with pytest.raises(CloudError) as refused:
        await subject.provider.create(replace(SPEC, name="ws999999999"))
    assert refused.value.reason == "QuotaExceeded"
    assert "eastus" in refused.value.message


async def test_a_pool_that_failed_late_says_why(tmp_path: Path) -> None:
    async with _aks(tmp_path, fault="allocation-failed") as subject:
        await subject.provider.create(SPEC)
        await subject.settle()
        pool = await subject.provider.get(SPEC.name)
        assert pool.state is PoolState.FAILED
        assert pool.error is not None
        assert pool.error.reason == "InsufficientCapacity"
