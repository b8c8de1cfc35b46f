"""Acts as a user, as KAITO's own gpu-provisioner, and as a kubelet."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpu_provisioner.cloud.pools import PoolSpec
from kaito_kube.kinds import MACHINE, NODE, NODE_CLAIM, Kind, Manifest
from tests.charts.render import AZURE, CHART, find, merge, render
from tests.gpu_provisioner import upstream
from tests.gpu_provisioner.emulation import Emulation, free_port
from tools.local_cluster.control_plane.kube_api import ApiError
from tools.local_cluster.envtest import StandaloneApiServer

NAME, RELEASE = "kaito-gpu-provisioner", "kaito-system"
_CRDS = CHART / "charts" / "gpu-provisioner" / "files" / "crds"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_TIMEOUT_SECONDS = 60.0


@dataclass
class Sandbox:
    """gpu-provisioner has only the chart's rights."""

    api: StandaloneApiServer
    aks: Emulation
    folder: Path
    process: asyncio.subprocess.Process | None = None
    account: Path = field(init=False)

    def __post_init__(self) -> None:
        self.api.create_namespace(RELEASE)
        for kind in (MACHINE, NODE_CLAIM):
            self.api.install_crd(_CRDS / f"{kind.group}_{kind.plural}.yaml")
        self.account = self.api.create_account(RELEASE, NAME)
        release, own = render(merge(AZURE, {})), f"{_RBAC}/namespaces/{RELEASE}"
        for kind_name, path in (
            ("ClusterRole", f"{_RBAC}/clusterroles"),
            ("ClusterRoleBinding", f"{_RBAC}/clusterrolebindings"),
            ("Role", f"{own}/roles"),
            ("RoleBinding", f"{own}/rolebindings"),
        ):
            self.api.admin.apply(f"{path}/{NAME}", find(release, kind_name, NAME))

    async def start(self) -> asyncio.subprocess.Process:
        """Start gpu-provisioner as its image does."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gpu_provisioner",
            env={**os.environ, "KUBECONFIG": str(self.account), **self._settings()},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return self.process

    async def close(self) -> None:
        """Stop the process, and remove what the test created."""
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.communicate()
        for kind in (NODE, NODE_CLAIM, MACHINE):
            for found in self.all(kind):
                path = self.path(kind, found["metadata"]["name"])
                self.api.admin.merge(path, {"metadata": {"finalizers": None}})
                self.api.admin.delete(path)

    async def leave_as_kaito_does(self) -> Manifest:
        """Create claim, pool and Node of KAITO's own gpu-provisioner, and return the claim."""
        given = upstream.node_claim()
        for key in ("uid", "creationTimestamp"):
            del given["metadata"][key]
        claim = self.create(NODE_CLAIM, given)
        self.api.admin.merge(
            f"{self.path(NODE_CLAIM, upstream.NAME)}/status", {"status": given["status"]}
        )
        born = claim["metadata"]["creationTimestamp"].replace(":", "-")
        pool = upstream.agent_pool()
        node_labels = {**pool.labels, "kaito.sh/creation-timestamp": born}
        await self.aks.cloud.create(
            PoolSpec(
                name=pool.name,
                instance_type=pool.instance_type,
                os_disk_gib=300,
                os_sku="Ubuntu",
                labels=node_labels,
                taints=("sku=gpu:NoSchedule",),
                tags={},
            )
        )
        await self.until(lambda: bool(self.aks.machines.running))
        (machine,) = self.aks.machines.running.values()
        self.join(upstream.node(claim["metadata"]["uid"]), machine.provider_id)
        return claim

    def join(self, node: Manifest, provider_id: str) -> None:
        """Create the Node of a machine, with its status."""
        status = node.pop("status")
        node["spec"]["providerID"] = provider_id
        node["metadata"].pop("creationTimestamp", None)
        name = self.create(NODE, node)["metadata"]["name"]
        self.api.admin.merge(f"{self.path(NODE, name)}/status", {"status": status})

    def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        typed = {"apiVersion": kind.api_version, "kind": kind.kind, **manifest}
        return self.api.admin.create(self.path(kind), typed)

    def get(self, kind: Kind, name: str) -> Manifest | None:
        try:
            return self.api.admin.get(self.path(kind, name))
        except ApiError as error:
            assert error.status == 404, error
            return None

    def all(self, kind: Kind) -> list[Manifest]:
        items: list[Manifest] = self.api.admin.get(self.path(kind))["items"]
        return items

    def path(self, kind: Kind, name: str = "") -> str:
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        return f"{root}/{kind.plural}" + (f"/{name}" if name else "")

    async def until(self, condition: Callable[[], Any]) -> None:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            while not condition():
                await asyncio.sleep(0.1)

    def _settings(self) -> dict[str, str]:
        azure = self.aks.settings
        return {
            "KAITO_AZURE_SUBSCRIPTION_ID": azure.subscription_id,
            "KAITO_AZURE_RESOURCE_GROUP": azure.resource_group,
            "KAITO_AZURE_CLUSTER_NAME": azure.cluster_name,
            "KAITO_AZURE_LOCATION": azure.location,
            "KAITO_AZURE_TENANT_ID": azure.tenant_id,
            "KAITO_AZURE_CLIENT_ID": azure.client_id,
            "KAITO_ARM_ENDPOINT": azure.arm_endpoint,
            "KAITO_ARM_AUDIENCE": azure.arm_audience,
            "KAITO_AZURE_AUTHORITY_HOST": azure.authority_host,
            "KAITO_AZURE_INSTANCE_DISCOVERY": "false",
            "KAITO_AZURE_TOKEN_FILE": azure.token_file,
            "KAITO_AZURE_CA_FILE": azure.ca_file,
            "KAITO_RELEASE_NAMESPACE": RELEASE,
            "KAITO_POD_NAME": "gpu-provisioner-0",
            "KAITO_HTTP_PORT": str(free_port()),
        }
