"""A cluster of KAITO's becomes one of this chart by the commands of the documentation's page.

Helm and kubectl run them as they are printed, on a real API server. The release's controllers then
run as processes, with the environment and the rights that Helm has installed, and the emulator as
their Azure. No kubelet and no controller of Kubernetes runs: the test plays them.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpu_provisioner.cloud.pools import PoolSpec
from tests.charts.apiserver.conftest import Server
from tests.charts.apiserver.release_processes import running
from tests.e2e.documented import blocks, run_block
from tests.e2e.kaito_cluster import KaitoControllers, Manifest
from tests.gpu_provisioner import upstream
from tests.gpu_provisioner.emulation import Emulation, emulation
from tests.waiting import until, until_seen
from tools.venvs import ROOT

PAGE = ROOT / "docs" / "migrating-from-kaito.md"
NAMESPACE = "kaito-workspace"
OURS, FOREIGN = "workspace-phi", "workspace-qwen"
POOLS = {OURS: "ws8f4a1c03d", FOREIGN: "ws0b27e9f51"}
PRESETS = {OURS: "phi-3-mini-128k-instruct", FOREIGN: "qwen3.8-99b"}
UNKNOWN = f"inference.preset.name: '{PRESETS[FOREIGN]}' is not a preset"
CONTROLLERS = {
    f"{NAMESPACE}-workspace-controller": "workspace_controller",
    f"{NAMESPACE}-gpu-provisioner": "gpu_provisioner",
}
SET = {
    "apiVersion": "kaito.sh/v1beta1",
    "kind": "InferenceSet",
    "metadata": {"name": "set", "namespace": "default"},
    "spec": {"replicas": 1},
}
KEPT = "workspaces,inferencesets,nodeclaims,nodes,statefulsets,services,pods"


@dataclass
class Upgrade:
    """`aks` has the pools of KAITO's gpu-provisioner; each machine joins as a Node."""

    server: Server
    aks: Emulation
    loop: asyncio.AbstractEventLoop

    def leave_as_kaito_does(self) -> None:
        controllers = KaitoControllers(
            self.server.kubectl,
            self.server.paths,
            "registry.local/server:1",
            create_pool=self._create_pool,
            start=self._start,
        )
        controllers.install(webhooks=False)
        for name, pool in POOLS.items():
            controllers.serve(name, pool, PRESETS[name])
        self.server.kubectl.apply(SET)
        controllers.install(webhooks=True)

    def run_documented_commands(self) -> None:
        azure = self.aks.settings
        variables = {
            "REGISTRY": "registry.local/kaito",
            "SUBSCRIPTION": azure.subscription_id,
            "GROUP": azure.resource_group,
            "CLUSTER": azure.cluster_name,
            "LOCATION": azure.location,
            "TENANT": azure.tenant_id,
            "CLIENT_ID": azure.client_id,
        }
        emulator = {
            "armEndpoint": azure.arm_endpoint,
            "armAudience": azure.arm_audience,
            "azureAuthorityHost": azure.authority_host,
            "azureInstanceDiscovery": "false",
        }
        more = [f"--set gpu-provisioner.settings.{name}={emulator[name]}" for name in emulator]
        # The first block is for Azure alone.
        for block in [*blocks(PAGE, "Before")[1:], *blocks(PAGE, "Upgrade")]:
            extra = " ".join(more) if "helm upgrade" in block else ""
            run_block(block, self.server.paths, variables, extra)

    def run_documented_checks(self) -> None:
        for block in blocks(PAGE, "Check"):
            if not block.startswith("# Every pool"):
                # Nothing is left alone here, so grep would find nothing.
                run_block(block.partition("# What gpu-prov")[0], self.server.paths, {})

    def identities(self) -> dict[str, tuple[str, object]]:
        """The uid of each object, and what of it nobody may have changed."""
        found = self.server.kubectl.items(KEPT, "-n", "default")
        untouched = ("StatefulSet", "Service", "Pod")
        return {
            f"{each['kind']} {each['metadata']['name']}": (
                each["metadata"]["uid"],
                each["metadata"]["resourceVersion"] if each["kind"] in untouched else "",
            )
            for each in found
        }

    def condition(self, name: str, type_: str) -> Manifest:
        workspace = self.server.kubectl.get("workspace", name) or {}
        conditions = (workspace.get("status") or {}).get("conditions") or ()
        return next((dict(c) for c in conditions if c["type"] == type_), {})

    def reasons(self) -> set[str]:
        return {str(self.condition(name, "InferenceReady").get("reason")) for name in POOLS}

    def claims_of_pools(self) -> dict[str, str]:
        """The claim's uid in each pool's tags."""
        pools = self.aks.azure.state.pools
        return {
            pool: str((pools[pool].properties.get("tags") or {}).get("kaito-claim-uid"))
            for pool in POOLS.values()
            if pool in pools
        }

    def uids_of_claims(self) -> dict[str, str]:
        claims = self.server.kubectl.items("nodeclaims")
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in claims}

    def names(self, *what: str) -> list[str]:
        return [each["metadata"]["name"] for each in self.server.kubectl.items(*what)]

    def remove_pod(self, name: str) -> None:
        """As the kubelet does at the end of a pod."""
        flags = ("--ignore-not-found", "--grace-period=0", "--force")
        self.server.kubectl.run("delete", "pod", f"{name}-0", *flags)

    def show(self, when: str) -> None:
        print(f"--- {when} the upgrade")
        self.server.kubectl.show("get", KEPT, "-n", "default")
        for pool in self.aks.azure.state.pools.values():
            print(f"agent pool {pool.name}: {pool.state}, tags {pool.properties.get('tags') or {}}")

    def _create_pool(self, name: str, size: str, labels: Mapping[str, str]) -> None:
        spec = PoolSpec(
            name=name,
            instance_type=size,
            os_disk_gib=300,
            os_sku="Ubuntu",
            labels=dict(labels),
            taints=("sku=gpu:NoSchedule",),
            tags={},
        )
        asyncio.run_coroutine_threadsafe(self._boot(spec), self.loop).result()
        (machine,) = (m for m in self.aks.machines.running.values() if name in m.name)
        node = upstream.node("")
        node["metadata"] = {
            "name": machine.name,
            "labels": {
                **labels,
                "agentpool": name,
                "kubernetes.azure.com/agentpool": name,
                "node.kubernetes.io/instance-type": size,
            },
        }
        node["spec"]["providerID"] = machine.provider_id
        self._create({"apiVersion": "v1", "kind": "Node", **node})

    async def _boot(self, spec: PoolSpec) -> None:
        await self.aks.cloud.create(spec)
        await until(lambda: any(spec.name in machine for machine in self.aks.machines.running))

    def _start(self, pod: Manifest) -> None:
        self._create({"apiVersion": "v1", "kind": "Pod", **pod})

    def _create(self, manifest: Manifest) -> None:
        """With its status, which the API server leaves out at creation."""
        kubectl, kind = self.server.kubectl, manifest["kind"].lower()
        kubectl.run("create", "-f", "-", stdin=json.dumps(manifest))
        patch = json.dumps({"status": manifest["status"]})
        name = manifest["metadata"]["name"]
        kubectl.run("patch", kind, name, "--type=merge", "--subresource=status", "-p", patch)


@pytest.mark.timeout(300)
async def test_upgrade_touches_nothing_that_serves_and_adopts_everything(
    server: Server, tmp_path: Path
) -> None:
    async with emulation(tmp_path) as aks:
        upgrade = Upgrade(server, aks, asyncio.get_running_loop())
        await asyncio.to_thread(upgrade.leave_as_kaito_does)
        before, kubectl = upgrade.identities(), server.kubectl
        creates, uids = aks.azure.calls["agentPools.put"], upgrade.uids_of_claims()
        upgrade.show("before")
        await asyncio.to_thread(upgrade.run_documented_commands)
        files = {
            "KAITO_AZURE_TOKEN_FILE": aks.settings.token_file,
            "KAITO_AZURE_CA_FILE": aks.settings.ca_file,
        }
        async with running(server.api, kubectl, NAMESPACE, CONTROLLERS, files):
            await until_seen("the workloads", lambda: upgrade.reasons() == {"WorkloadAdopted"})
            await until_seen("the pools", lambda: upgrade.claims_of_pools() == uids)
            await until_seen(
                "the nodes",
                lambda: not any(n["metadata"].get("finalizers") for n in kubectl.items("nodes")),
            )
            await until_seen(
                "the webhooks",
                lambda: (
                    upgrade.names("validatingwebhookconfigurations") == [next(iter(CONTROLLERS))]
                ),
            )
            await asyncio.to_thread(upgrade.run_documented_checks)
            upgrade.show("after")
            assert upgrade.identities() == before
            assert aks.azure.calls["agentPools.delete"] == 0
            # One for the marks of each pool.
            assert aks.azure.calls["agentPools.put"] == creates + len(POOLS)
            ready = upgrade.condition(OURS, "WorkspaceReady")
            assert (ready["status"], ready["reason"]) == ("True", "WorkspaceReady")
            foreign = upgrade.condition(FOREIGN, "InferenceReady")["message"]
            assert f"cannot serve the Workspace itself: {UNKNOWN}" in foreign

            # A Workspace goes with its workload, its claim, its node and its pool.
            kubectl.delete("workspace", FOREIGN, wait=False)
            await until_seen("the StatefulSet", lambda: upgrade.names("statefulsets") == [OURS])
            upgrade.remove_pod(FOREIGN)
            await until_seen("the pool", lambda: list(upgrade.claims_of_pools()) == [POOLS[OURS]])
            await until_seen("the Workspace", lambda: upgrade.names("workspaces") == [OURS])
            assert list(upgrade.uids_of_claims()) == [POOLS[OURS]]
            assert len(upgrade.names("nodes")) == 1

            # The user has this release serve the other model: on the same node.
            kubectl.delete("statefulset", OURS)
            upgrade.remove_pod(OURS)
            await until_seen("the workload", lambda: upgrade.names("deployments") == [OURS])
            assert list(upgrade.uids_of_claims()) == [POOLS[OURS]]
