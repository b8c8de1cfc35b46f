"""Machines as real nodes of the local cluster."""

import asyncio
import subprocess
from collections.abc import Callable
from typing import TypeVar

from tools.aks_emulator.machines import draining
from tools.aks_emulator.machines.nodes import Node
from tools.aks_emulator.machines.provider import MachineError
from tools.local_cluster.control_plane.kube_api import KubeApi
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.nodes import membership
from tools.local_cluster.nodes.spec import NodeSpec, Taint
from tools.local_cluster.paths import Paths

T = TypeVar("T")


class LocalClusterMachines:
    """`parallel` limits how many nodes start or stop at once, as they share this machine's CPUs."""

    def __init__(self, paths: Paths, parallel: int = 3) -> None:
        self._paths = paths
        self._slots = asyncio.Semaphore(parallel)

    async def cluster_uid(self) -> str:
        return await _call(lambda: KubeApi(self._paths.pki).cluster_uid())

    async def drain(self, name: str) -> tuple[str, ...]:
        return await _call(lambda: draining.drain(KubeApi(self._paths.pki), name))

    async def ensure(self, node: Node) -> None:
        async with self._slots:
            await _call(lambda: membership.add(_spec(node)))

    async def power_off(self, name: str) -> None:
        async with self._slots:
            await _call(lambda: membership.remove(name))

    async def remove(self, name: str) -> None:
        async with self._slots:
            await _call(lambda: membership.remove(name, delete_object=True))


def _spec(node: Node) -> NodeSpec:
    return NodeSpec(
        name=node.name,
        labels=dict(node.labels),
        taints=tuple(Taint(taint.key, taint.value, taint.effect) for taint in node.taints),
        gpus=node.gpus,
        instance_type=node.labels["node.kubernetes.io/instance-type"],
        provider_id=node.provider_id,
    )


async def _call(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except (ClusterError, OSError, subprocess.SubprocessError) as error:
        raise MachineError(str(error)) from error
