"""The behavior that gpu-provisioner relies on, with the unmodified Azure SDKs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.core.rest import AsyncHttpResponse
from azure.identity.aio import ClientSecretCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.models import (
    AgentPool,
    AgentPoolManagedClusterAgentPoolProfileProperties,
)

from tests.aks_emulator.builders import GPU_SIZE, IDS, fault
from tests.aks_emulator.conftest import Cloud, Start
from tools.aks_emulator.machines.provider import FakeMachines, NoMachines

CLUSTER = (IDS.resource_group, IDS.cluster)


def pool(**changes: Any) -> AgentPool:
    properties = AgentPoolManagedClusterAgentPoolProfileProperties(
        count=1,
        vm_size=GPU_SIZE,
        mode="User",
        os_type="Linux",
        node_taints=["sku=gpu:NoSchedule"],
        node_labels={"kaito.sh/workspace": "falcon"},
        tags={"kaito-claim": "ws1"},
        **changes,
    )
    return AgentPool(properties=properties)


async def create(client: ContainerServiceClient, name: str, **changes: Any) -> AgentPool:
    poller = await client.agent_pools.begin_create_or_update(*CLUSTER, name, pool(**changes))
    return await poller.result()


async def test_pool_has_the_newest_image(cloud: Cloud, client: ContainerServiceClient) -> None:
    poller = await client.agent_pools.begin_create_or_update(*CLUSTER, "ws1", pool())
    made = await poller.result()
    profile = await client.agent_pools.get_upgrade_profile(*CLUSTER, "ws1")
    assert made.properties is not None
    assert profile.latest_node_image_version == made.properties.node_image_version != ""
    with pytest.raises(ResourceNotFoundError):
        await client.agent_pools.get_upgrade_profile(*CLUSTER, "nosuchpool")


async def test_pool_is_created_listed_and_deleted(
    cloud: Cloud, client: ContainerServiceClient
) -> None:
    poller = await client.agent_pools.begin_create_or_update(*CLUSTER, "ws1", pool())
    assert not poller.done()
    made = await poller.result()
    assert made.properties is not None
    assert made.properties.provisioning_state == "Succeeded"
    assert made.properties.tags == {"kaito-claim": "ws1"}
    assert made.properties.e_tag
    assert made.id == IDS.pool_id("ws1")
    names = [found.name async for found in client.agent_pools.list(*CLUSTER)]
    assert names == ["system", "ws1"]
    assert isinstance(cloud.machines, FakeMachines)
    assert list(cloud.machines.running) == [IDS.node_name("ws1", 0)]

    await (await client.agent_pools.begin_delete(*CLUSTER, "ws1")).result()
    with pytest.raises(ResourceNotFoundError) as missing:
        await client.agent_pools.get(*CLUSTER, "ws1")
    assert missing.value.error is not None
    assert missing.value.error.code == "NotFound"
    assert cloud.machines.running == {}


async def test_deleting_a_missing_pool_succeeds_immediately(
    client: ContainerServiceClient,
) -> None:
    poller = await client.agent_pools.begin_delete(*CLUSTER, "nobody")
    await poller.result()
    assert poller.done()


async def test_continuation_token_resumes_after_an_emulator_restart(
    start: Start, token_file: Path
) -> None:
    machines = FakeMachines()
    async with start(machines, operation_seconds=0.5) as first, first.client(token_file) as client:
        poller = await client.agent_pools.begin_create_or_update(*CLUSTER, "ws1", pool())
        token = poller.continuation_token()
    async with start(machines) as second, second.client(token_file) as client:
        resumed = await client.agent_pools.begin_create_or_update(
            *CLUSTER, "ws1", pool(), continuation_token=token
        )
        made = await resumed.result()
        assert made.properties is not None
        assert made.properties.provisioning_state == "Succeeded"
        assert second.azure.calls["agentPools.put"] == 0
    assert list(machines.running) == [IDS.node_name("ws1", 0)]


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("no-family-quota", "ErrCode_InsufficientVCPUQuota", "family standardNCSv3Family"),
        ("no-regional-quota", "ErrCode_InsufficientVCPUQuota", "regional vcpu quota left"),
        ("sku-not-available", "BadRequest", "is not allowed in your subscription"),
        ("sku-capacity", "SkuNotAvailable", "Capacity Restrictions"),
        ("allocation-failed", "AllocationFailed", "sufficient capacity"),
        ("zonal-allocation-failed", "ZonalAllocationFailed", "in zone(s)"),
        ("operation-fails", "InternalExecutionError", "internal execution error"),
        ("forbidden", "AuthorizationFailed", "does not have authorization"),
        ("subscription-disabled", "ReadOnlyDisabledSubscription", "marked as read only"),
    ],
)
async def test_fault_reaches_the_client_as_code_and_message(
    cloud: Cloud, client: ContainerServiceClient, kind: str, code: str, text: str
) -> None:
    cloud.azure.faults = (fault(kind, vm_size=GPU_SIZE),)
    with pytest.raises(HttpResponseError) as raised:
        await create(client, "ws1")
    assert raised.value.error is not None
    assert raised.value.error.code == code
    assert text in raised.value.message
    assert cloud.azure.state.machines == {}


async def test_busy_pool_is_a_conflict(cloud: Cloud, client: ContainerServiceClient) -> None:
    cloud.azure.faults = (fault("slow", seconds=60),)
    await client.agent_pools.begin_create_or_update(*CLUSTER, "ws1", pool())
    with pytest.raises(ResourceExistsError) as raised:
        await client.agent_pools.begin_delete(*CLUSTER, "ws1")
    assert raised.value.status_code == 409
    assert "in progress create node pool operation" in raised.value.message


async def test_aborted_create_ends_canceled(cloud: Cloud, client: ContainerServiceClient) -> None:
    cloud.azure.faults = (fault("slow", seconds=60),)
    creating = await client.agent_pools.begin_create_or_update(*CLUSTER, "ws1", pool())
    await (await client.agent_pools.begin_abort_latest_operation(*CLUSTER, "ws1")).result()
    with pytest.raises(HttpResponseError, match="was aborted"):
        await creating.result()
    found = await client.agent_pools.get(*CLUSTER, "ws1")
    assert found.properties is not None
    assert found.properties.provisioning_state == "Canceled"


async def test_sdk_retries_throttled_calls_after_the_header(
    cloud: Cloud, client: ContainerServiceClient
) -> None:
    cloud.azure.faults = (fault("throttled", operation="agentPools.list", seconds=1, count=1),)
    names = [found.name async for found in client.agent_pools.list(*CLUSTER)]
    assert names == ["system"]
    assert cloud.azure.calls["agentPools.list"] == 2


async def test_persistent_throttling_reaches_the_caller_with_retry_after(
    cloud: Cloud, client: ContainerServiceClient
) -> None:
    cloud.azure.faults = (fault("throttled", operation="agentPools.get", seconds=7),)
    with pytest.raises(HttpResponseError) as raised:
        await client.agent_pools.get(*CLUSTER, "ws1", retry_total=0)
    assert raised.value.status_code == 429
    assert isinstance(raised.value.response, AsyncHttpResponse)
    assert raised.value.response.headers["Retry-After"] == "7"


async def test_lost_response_has_taken_effect(cloud: Cloud, client: ContainerServiceClient) -> None:
    cloud.azure.faults = (
        fault("lost-response", operation="agentPools.put", count=1),
        fault("slow", seconds=60),
    )
    with pytest.raises(
        ResourceExistsError
    ):  # the SDK retries, which conflicts with its first operation
        await create(client, "ws1")
    assert cloud.azure.calls["agentPools.put"] == 2
    assert "ws1" in cloud.azure.state.pools


async def test_stale_etag_is_rejected(client: ContainerServiceClient) -> None:
    made = await create(client, "ws1")
    assert made.properties is not None
    await client.agent_pools.begin_create_or_update(
        *CLUSTER, "ws1", pool(), etag=made.properties.e_tag,
        match_condition=MatchConditions.IfNotModified, polling=False,
    )  # fmt: skip
    with pytest.raises(ResourceModifiedError):
        await client.agent_pools.begin_create_or_update(
            *CLUSTER, "ws1", pool(), etag=made.properties.e_tag,
            match_condition=MatchConditions.IfNotModified,
        )  # fmt: skip


async def test_cluster_stops_and_starts(cloud: Cloud, client: ContainerServiceClient) -> None:
    await create(client, "ws1")
    await (await client.managed_clusters.begin_stop(*CLUSTER)).result()
    stopped = await client.managed_clusters.get(*CLUSTER)
    assert stopped.properties is not None
    assert stopped.properties.power_state is not None
    assert stopped.properties.power_state.code == "Stopped"
    assert isinstance(cloud.machines, FakeMachines)
    assert cloud.machines.powered_off == {IDS.node_name("ws1", 0)}
    with pytest.raises(ResourceExistsError, match="Stopped"):
        await create(client, "ws2")

    await (await client.managed_clusters.begin_start(*CLUSTER)).result()
    found = await client.managed_clusters.get(*CLUSTER)
    assert found.properties is not None
    assert found.properties.provisioning_state == "Succeeded"
    assert found.properties.node_resource_group == "MC_kaito-rg_kaito-local_eastus"
    profiles = found.properties.agent_pool_profiles or []
    assert [profile.name for profile in profiles] == ["system", "ws1"]


async def test_lists_are_paged(start: Start, token_file: Path) -> None:
    async with start(NoMachines(), page_size=2) as cloud, cloud.client(token_file) as client:
        names = [f"ws{number}" for number in range(4)]
        await asyncio.gather(*(create(client, name) for name in names))
        listed = [found.name async for found in client.agent_pools.list(*CLUSTER)]
        assert listed == ["system", *names]
        assert cloud.azure.calls["agentPools.list"] == 3


async def test_refused_token_is_an_authentication_error(
    cloud: Cloud, client: ContainerServiceClient
) -> None:
    cloud.azure.faults = (fault("token-refused"),)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016"):
        await client.agent_pools.get(*CLUSTER, "ws1")


async def test_msal_works_with_the_discovery_documents(cloud: Cloud) -> None:
    async with ClientSecretCredential(
        IDS.tenant, "client", "secret", authority=cloud.settings.url,
        disable_instance_discovery=True, connection_verify=str(cloud.ca),
    ) as credential:  # fmt: skip
        token = await credential.get_token("https://management.azure.com/.default")
    assert token.token
