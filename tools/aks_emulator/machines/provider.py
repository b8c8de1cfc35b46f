"""The interface to machines. Knows nothing about pools and operations."""

from typing import Protocol

from tools.aks_emulator.machines.nodes import Node


class MachineError(Exception):
    """A machine could not be started, powered off or removed; the message says why."""


class MachineProvider(Protocol):
    """All methods are idempotent: they may be called again after a crash.

    Every method raises MachineError when it fails.
    """

    async def ensure(self, node: Node) -> None:
        """Start the machine and wait until its Node has its labels, taints and GPUs."""

    async def power_off(self, name: str) -> None:
        """Power the machine off; its Node object stays and becomes NotReady."""

    async def remove(self, name: str) -> None:
        """Remove the machine, if it exists, and its Node, as AKS's cloud controller does."""

    async def drain(self, name: str) -> tuple[str, ...]:
        """Evict the machine's pods, and return those that disruption budgets still hold at the
        end of the drain's time."""

    async def cluster_uid(self) -> str:
        """The identity of the cluster that machines join; empty without a cluster."""


class NoMachines:
    """Scale mode: pools are created and deleted, but no node ever joins."""

    async def ensure(self, node: Node) -> None:
        return

    async def power_off(self, name: str) -> None:
        return

    async def remove(self, name: str) -> None:
        return

    async def drain(self, name: str) -> tuple[str, ...]:
        return ()

    async def cluster_uid(self) -> str:
        return ""


class FakeMachines:
    """Records what runs. `failures` are raised by the next call for a node name. `held` are the
    pods of a node that disruption budgets do not let go, and `drained` the nodes that were."""

    def __init__(self, uid: str = "") -> None:
        self.uid = uid
        self.running: dict[str, Node] = {}
        self.powered_off: set[str] = set()
        self.failures: dict[str, str] = {}
        self.held: dict[str, tuple[str, ...]] = {}
        self.drained: list[str] = []

    async def ensure(self, node: Node) -> None:
        self._fail(node.name)
        self.powered_off.discard(node.name)
        self.running[node.name] = node

    async def power_off(self, name: str) -> None:
        self._fail(name)
        self.running.pop(name, None)
        self.powered_off.add(name)

    async def remove(self, name: str) -> None:
        self._fail(name)
        self.running.pop(name, None)
        self.powered_off.discard(name)

    async def drain(self, name: str) -> tuple[str, ...]:
        self._fail(name)
        self.drained.append(name)
        return self.held.get(name, ())

    async def cluster_uid(self) -> str:
        return self.uid

    def _fail(self, name: str) -> None:
        reason = self.failures.pop(name, None)
        if reason is not None:
            raise MachineError(reason)
