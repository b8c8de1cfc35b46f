"""Agent pools as real nodes of the local cluster, with a separate emulator."""

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity.aio import WorkloadIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool

from tests.aks_emulator.builders import IDS, pool_properties
from tests.waiting import until_seen
from tools.aks_emulator.__main__ import main
from tools.aks_emulator.admin_client import AdminClient
from tools.aks_emulator.daemon import pidfile
from tools.aks_emulator.web.assertions import AUDIENCE
from tools.local_cluster.control_plane import kube_api
from tools.local_cluster.nodes import membership
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import daemons

pytestmark = pytest.mark.cluster

CLUSTER = (IDS.resource_group, IDS.cluster)
HOST = "172.30.0.1"
POOL = "emutest1"
NODE = IDS.node_name(POOL, 0)
SIZE = "Standard_NC12s_v3"


class PrivateEmulator:
    """A second emulator for the local cluster, with its own port and state."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.url = f"https://{HOST}:{port}"
        self.where = ["--home", str(home), "--host", HOST, "--port", str(port)]
        self.api = kube_api.KubeApi(Paths.from_env(os.environ).pki)

    def up(self) -> None:
        started = ("--operation-seconds", "1", "--prices-port", "0")
        assert main(["up", *self.where, *started]) == 0

    def kill(self) -> None:
        identity = daemons.find_running(pidfile(self.home))
        assert identity is not None
        os.kill(identity.pid, signal.SIGKILL)
        os.waitpid(identity.pid, 0)

    def admin(self) -> AdminClient:
        return AdminClient(self.url, self.home / "ca.pem")

    def node(self) -> dict[str, Any] | None:
        try:
            return self.api.get(f"/api/v1/nodes/{NODE}")
        except kube_api.ApiError as error:
            if error.status == 404:
                return None
            raise


@pytest.fixture
def emulator(tmp_path: Path, unused_port: int) -> PrivateEmulator:
    return PrivateEmulator(tmp_path / "aks", unused_port)


@pytest.fixture
def service_account_token(tmp_path: Path) -> Path:
    paths = Paths.from_env(os.environ)
    command = [str(paths.bin / "kubectl"), "--kubeconfig", str(paths.kubeconfig)]
    token = subprocess.run(
        [*command, "create", "token", "default", "--audience", AUDIENCE],
        check=True,
        capture_output=True,
    ).stdout
    file = tmp_path / "token"
    file.write_bytes(token)
    return file


@pytest.fixture
async def arm(
    emulator: PrivateEmulator, service_account_token: Path
) -> AsyncIterator[ContainerServiceClient]:
    """A client of a new emulator; whatever a test leaves behind is removed."""
    emulator.up()
    try:
        async with (
            credential(emulator, service_account_token) as who,
            client(emulator, who) as sdk_client,
        ):
            yield sdk_client
    finally:
        main(["down", *emulator.where])
        membership.remove(NODE, delete_object=True)


def credential(emulator: PrivateEmulator, token: Path) -> WorkloadIdentityCredential:
    return WorkloadIdentityCredential(
        tenant_id=IDS.tenant,
        client_id="gpu-provisioner",
        token_file_path=str(token),
        authority=emulator.url,
        disable_instance_discovery=True,
        connection_verify=str(emulator.home / "ca.pem"),
    )


def client(emulator: PrivateEmulator, who: AsyncTokenCredential) -> ContainerServiceClient:
    return ContainerServiceClient(
        who,
        IDS.subscription,
        base_url=emulator.url,
        credential_scopes=[f"{emulator.url}/.default"],
        connection_verify=str(emulator.home / "ca.pem"),
    )


def ready(emulator: PrivateEmulator) -> bool:
    found = emulator.node()
    return found is not None and kube_api.condition(found, "Ready")["status"] == "True"


async def test_pool_becomes_a_ready_node_with_labels_taints_and_gpus(
    emulator: PrivateEmulator, arm: ContainerServiceClient
) -> None:
    put = AgentPool({"properties": pool_properties(vmSize=SIZE)})
    created = await (await arm.agent_pools.begin_create_or_update(*CLUSTER, POOL, put)).result()
    assert created.properties is not None
    assert created.properties.provisioning_state == "Succeeded"
    node = emulator.node()
    assert node is not None
    assert kube_api.condition(node, "Ready")["status"] == "True"
    assert node["spec"]["providerID"] == IDS.provider_id(POOL, 0)
    assert {"key": "sku", "value": "gpu", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "2"
    labels = node["metadata"]["labels"]
    assert labels["kubernetes.azure.com/agentpool"] == POOL
    assert labels["kubernetes.azure.com/accelerator"] == "nvidia"
    assert labels["node.kubernetes.io/instance-type"] == SIZE
    assert labels["topology.kubernetes.io/region"] == "eastus"
    assert labels["kaito.sh/workspace"] == "falcon"
    await (await arm.agent_pools.begin_delete(*CLUSTER, POOL)).result()
    assert emulator.node() is None
    assert NODE not in membership.names()


async def test_killed_emulator_finishes_the_operation_after_a_restart(
    emulator: PrivateEmulator, arm: ContainerServiceClient
) -> None:
    put = AgentPool({"properties": pool_properties(vmSize=SIZE)})
    poller = await arm.agent_pools.begin_create_or_update(*CLUSTER, POOL, put)
    emulator.kill()
    emulator.up()
    resumed = await arm.agent_pools.begin_create_or_update(
        *CLUSTER, POOL, put, continuation_token=poller.continuation_token()
    )
    made = await resumed.result()
    assert made.properties is not None
    assert made.properties.provisioning_state == "Succeeded"
    assert ready(emulator)
    await (await arm.agent_pools.begin_delete(*CLUSTER, POOL)).result()
    assert emulator.node() is None


async def test_node_of_a_failed_pool_joins_later(
    emulator: PrivateEmulator, arm: ContainerServiceClient
) -> None:
    emulator.admin().call("POST", "faults", {"kind": "fails-then-joins", "seconds": 1})
    put = AgentPool({"properties": pool_properties(vmSize=SIZE)})
    poller = await arm.agent_pools.begin_create_or_update(*CLUSTER, POOL, put)
    with pytest.raises(HttpResponseError, match="InternalExecutionError"):
        await poller.result()
    await until_seen("the node to be ready", lambda: ready(emulator))
    await (await arm.agent_pools.begin_delete(*CLUSTER, POOL)).result()
    assert emulator.node() is None


async def test_stopped_cluster_keeps_the_node_object(
    emulator: PrivateEmulator, arm: ContainerServiceClient
) -> None:
    put = AgentPool({"properties": pool_properties(vmSize=SIZE)})
    await (await arm.agent_pools.begin_create_or_update(*CLUSTER, POOL, put)).result()
    await (await arm.managed_clusters.begin_stop(*CLUSTER)).result()
    await until_seen("the machine to go", lambda: NODE not in membership.names())
    assert emulator.node() is not None
    await (await arm.managed_clusters.begin_start(*CLUSTER)).result()
    await until_seen("the node to be back", lambda: NODE in membership.names() and ready(emulator))


async def test_token_not_signed_by_the_cluster_is_rejected(
    emulator: PrivateEmulator, arm: ContainerServiceClient, token_file: Path
) -> None:
    async with credential(emulator, token_file) as forged:
        with pytest.raises(ClientAuthenticationError, match="AADSTS"):
            await forged.get_token("https://management.azure.com/.default")
