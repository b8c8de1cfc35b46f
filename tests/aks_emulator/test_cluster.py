"""Agent pools as real nodes of the local cluster, with an emulator of the tests' own."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity.aio import WorkloadIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient
from azure.mgmt.containerservice.models import AgentPool

from tests.aks_emulator.pieces import PLACE, asked
from tools.aks_emulator.__main__ import main
from tools.aks_emulator.admin_client import AdminClient
from tools.aks_emulator.daemon import pidfile
from tools.aks_emulator.web.assertions import AUDIENCE
from tools.local_cluster.control_plane import kube_api
from tools.local_cluster.nodes import membership
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import daemons

pytestmark = pytest.mark.cluster

CLUSTER = (PLACE.resource_group, PLACE.cluster)
HOST = "172.30.0.1"
POOL = "emutest1"
NODE = PLACE.node_name(POOL, 0)
SIZE = "Standard_NC12s_v3"


class Private:
    """An emulator beside the one that the local cluster has, on its own port and state."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.url = f"https://{HOST}:{port}"
        self.where = ["--home", str(home), "--host", HOST, "--port", str(port)]
        self.api = kube_api.KubeApi(Paths.from_env(os.environ).pki)

    def up(self) -> None:
        assert main(["up", *self.where, "--operation-seconds", "1"]) == 0

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
def private(tmp_path: Path, unused_port: int) -> Private:
    return Private(tmp_path / "aks", unused_port)


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
    private: Private, service_account_token: Path
) -> AsyncIterator[ContainerServiceClient]:
    """A client of a fresh emulator; whatever a test leaves behind is taken away."""
    private.up()
    try:
        async with credential(private, service_account_token) as who, client(private, who) as made:
            yield made
    finally:
        main(["down", *private.where])
        membership.remove(NODE, delete_object=True)


def credential(private: Private, token: Path) -> WorkloadIdentityCredential:
    return WorkloadIdentityCredential(
        tenant_id=PLACE.tenant,
        client_id="gpu-provisioner",
        token_file_path=str(token),
        authority=private.url,
        disable_instance_discovery=True,
        connection_verify=str(private.home / "ca.pem"),
    )


def client(private: Private, who: AsyncTokenCredential) -> ContainerServiceClient:
    return ContainerServiceClient(
        who,
        PLACE.subscription,
        base_url=private.url,
        credential_scopes=[f"{private.url}/.default"],
        connection_verify=str(private.home / "ca.pem"),
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(condition):
            await asyncio.sleep(0.2)


def ready(private: Private) -> bool:
    found = private.node()
    return found is not None and kube_api.condition(found, "Ready")["status"] == "True"


async def test_a_pool_is_a_ready_node_with_labels_taints_and_gpus(
    private: Private, arm: ContainerServiceClient
) -> None:
    put = AgentPool({"properties": asked(vmSize=SIZE)})
    created = await (await arm.agent_pools.begin_create_or_update(*CLUSTER, POOL, put)).result()
    assert created.properties is not None
    assert created.properties.provisioning_state == "Succeeded"
    node = private.node()
    assert node is not None
    assert kube_api.condition(node, "Ready")["status"] == "True"
    assert node["spec"]["providerID"] == PLACE.provider_id(POOL, 0)
    assert {"key": "sku", "value": "gpu", "effect": "NoSchedule"} in node["spec"]["taints"]
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "2"
    labels = node["metadata"]["labels"]
    assert labels["kubernetes.azure.com/agentpool"] == POOL
    assert labels["kubernetes.azure.com/accelerator"] == "nvidia"
    assert labels["node.kubernetes.io/instance-type"] == SIZE
    assert labels["topology.kubernetes.io/region"] == "eastus"
    assert labels["kaito.sh/workspace"] == "falcon"
    await (await arm.agent_pools.begin_delete(*CLUSTER, POOL)).result()
    assert private.node() is None
    assert NODE not in membership.names()


async def test_an_emulator_killed_in_the_middle_finishes_what_it_began(
    private: Private, arm: ContainerServiceClient
) -> None:
    put = AgentPool({"properties": asked(vmSize=SIZE)})
    poller = await arm.agent_pools.begin_create_or_update(*CLUSTER, POOL, put)
    private.kill()
    private.up()
    resumed = await arm.agent_pools.begin_create_or_update(
        *CLUSTER, POOL, put, continuation_token=poller.continuation_token()
    )
    made = await resumed.result()
    assert made.properties is not None
    assert made.properties.provisioning_state == "Succeeded"
    assert ready(private)
    await (await arm.agent_pools.begin_delete(*CLUSTER, POOL)).result()
    assert private.node() is None


async def test_a_pool_reported_failed_joins_later(
    private: Private, arm: ContainerServiceClient
) -> None:
    private.admin().call("POST", "faults", {"kind": "fails-then-joins", "seconds": 1})
    put = AgentPool({"properties": asked(vmSize=SIZE)})
    poller = await arm.agent_pools.begin_create_or_update(*CLUSTER, POOL, put)
    with pytest.raises(HttpResponseError, match="InternalExecutionError"):
        await poller.result()
    await until(lambda: ready(private))
    await (await arm.agent_pools.begin_delete(*CLUSTER, POOL)).result()
    assert private.node() is None


async def test_a_stopped_cluster_leaves_a_node_that_is_not_ready(
    private: Private, arm: ContainerServiceClient
) -> None:
    put = AgentPool({"properties": asked(vmSize=SIZE)})
    await (await arm.agent_pools.begin_create_or_update(*CLUSTER, POOL, put)).result()
    await (await arm.managed_clusters.begin_stop(*CLUSTER)).result()
    await until(lambda: NODE not in membership.names())
    assert private.node() is not None
    await (await arm.managed_clusters.begin_start(*CLUSTER)).result()
    await until(lambda: NODE in membership.names() and ready(private))


async def test_a_token_that_the_cluster_did_not_sign_is_refused(
    private: Private, arm: ContainerServiceClient, token_file: Path
) -> None:
    async with credential(private, token_file) as forged:
        with pytest.raises(ClientAuthenticationError, match="AADSTS"):
            await forged.get_token("https://management.azure.com/.default")
