"""Nodes for an AKS emulator without machines: they join and leave as virtual machines would.

It asks the emulator's own controls, not ARM, so that what is counted there is the provisioner's.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import aiohttp

NODES = "/api/v1/nodes"
EVERY_S = 0.5
AT_ONCE = 8


@dataclass(slots=True)
class Joiner:
    """`api` is a session at the API server, `emulator` one at the emulator."""

    api: aiohttp.ClientSession
    emulator: aiohttp.ClientSession
    _nodes: dict[str, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Until cancelled: for each machine of a pool that is ready a Node, and no other."""
        while True:
            wanted = await self._machines()
            joining = [(n, pool) for n, pool in wanted.items() if n not in self._nodes]
            leaving = [name for name in self._nodes if name not in wanted]
            turn = asyncio.Semaphore(AT_ONCE)
            async with asyncio.TaskGroup() as group:
                for name, pool in joining:
                    group.create_task(self._join(turn, name, pool))
                for name in leaving:
                    group.create_task(self._leave(turn, name))
            await asyncio.sleep(EVERY_S)

    async def _machines(self) -> dict[str, str]:
        """Pool by name of its machine."""
        async with self.emulator.get("/_emulator/pools") as answer:
            pools = (await answer.json())["pools"]
        ready = (pool for pool in pools if pool["provisioningState"] in ("Succeeded", "Deleting"))
        return {name: pool["name"] for pool in ready for name in pool["machines"]}

    async def _join(self, turn: asyncio.Semaphore, name: str, pool: str) -> None:
        made = _node(name, pool)
        async with turn, self.api.post(NODES, json=made) as answer:
            assert answer.status == 201, await answer.text()
        await self._patch(turn, f"{name}/status", {"status": made["status"]})
        await self._patch(turn, name, {"spec": {"taints": made["spec"]["taints"]}})
        self._nodes[name] = pool

    async def _patch(self, turn: asyncio.Semaphore, path: str, patch: dict[str, Any]) -> None:
        """The second one is the cluster's controllers': the API server marks each new Node as not
        ready, and they take that away from one that is."""
        merge = {"Content-Type": "application/merge-patch+json"}
        async with turn, self.api.patch(f"{NODES}/{path}", json=patch, headers=merge) as answer:
            assert answer.status == 200, await answer.text()

    async def _leave(self, turn: asyncio.Semaphore, name: str) -> None:
        """The provisioner may have deleted it before."""
        async with turn, self.api.delete(f"{NODES}/{name}") as answer:
            assert answer.status in (200, 404), await answer.text()
        del self._nodes[name]


def _node(name: str, pool: str) -> dict[str, Any]:
    resources = {"cpu": "6", "memory": "112Gi", "nvidia.com/gpu": "1", "pods": "250"}
    return {
        "metadata": {
            "name": name,
            "labels": {
                "agentpool": pool,
                "kubernetes.azure.com/agentpool": pool,
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
