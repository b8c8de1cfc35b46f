"""Creates and deletes Nodes as the virtual machines of an AKS emulator without machines would.

It calls the emulator's admin API, not ARM, so that the counted calls are the provisioner's.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp

NODES = "/api/v1/nodes"
INTERVAL_SECONDS = 0.5
CONCURRENCY = 8


@dataclass(slots=True)
class Joiner:
    """`api` is a session with the API server, `emulator` one with the emulator's admin API."""

    api: aiohttp.ClientSession
    emulator: aiohttp.ClientSession
    _nodes: set[str] = field(default_factory=set)

    async def run(self) -> None:
        """Keep one Node for each machine of a pool that is ready, until canceled."""
        while True:
            wanted = await self._machines()
            joining = [(n, pool) for n, pool in wanted.items() if n not in self._nodes]
            leaving = [name for name in self._nodes if name not in wanted]
            slots = asyncio.Semaphore(CONCURRENCY)
            async with asyncio.TaskGroup() as group:
                for name, pool in joining:
                    group.create_task(self._join(slots, name, pool))
                for name in leaving:
                    group.create_task(self._leave(slots, name))
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _machines(self) -> dict[str, dict[str, Any]]:
        """Return the pools by the name of their machine."""
        async with self.emulator.get("/_emulator/pools") as answer:
            pools = (await answer.json())["pools"]
        ready = (pool for pool in pools if pool["provisioningState"] in ("Succeeded", "Deleting"))
        return {name: pool for pool in ready for name in pool["machines"]}

    async def _join(self, slots: asyncio.Semaphore, name: str, pool: dict[str, Any]) -> None:
        manifest = _node(name, pool)
        async with slots, self.api.post(NODES, json=manifest) as answer:
            assert answer.status == 201, await answer.text()
        await self._patch(slots, f"{name}/status", {"status": manifest["status"]})
        await self._patch(slots, name, {"spec": {"taints": manifest["spec"]["taints"]}})
        self._nodes.add(name)

    async def _patch(self, slots: asyncio.Semaphore, path: str, patch: dict[str, Any]) -> None:
        """Patch the Node, its status first and then its taints: the API server taints each new Node
        as not ready, and a controller of the cluster removes that taint from a Ready one."""
        merge = {"Content-Type": "application/merge-patch+json"}
        async with slots, self.api.patch(f"{NODES}/{path}", json=patch, headers=merge) as answer:
            assert answer.status == 200, await answer.text()

    async def _leave(self, slots: asyncio.Semaphore, name: str) -> None:
        """Delete the Node, unless the provisioner has already deleted it."""
        async with slots, self.api.delete(f"{NODES}/{name}") as answer:
            assert answer.status in (200, 404), await answer.text()
        self._nodes.discard(name)


def _node(name: str, pool: dict[str, Any]) -> dict[str, Any]:
    resources = {"cpu": "6", "memory": "112Gi", "nvidia.com/gpu": "1", "pods": "250"}
    return {
        "metadata": {
            "name": name,
            "labels": {
                **pool["nodeLabels"],
                "agentpool": pool["name"],
                "kubernetes.azure.com/agentpool": pool["name"],
                "kubernetes.io/hostname": name,
                "node.kubernetes.io/instance-type": "Standard_NC6s_v3",
                "topology.kubernetes.io/region": "eastus",
                "topology.kubernetes.io/zone": "0",
            },
        },
        "spec": {
            "providerID": f"azure:///subscriptions/s/{name}/virtualMachines/0",
            "taints": [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}],
        },
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "KubeletReady",
                    "message": "joined",
                    "lastHeartbeatTime": "2026-01-01T00:00:00Z",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }
            ],
        },
    }
