"""The seam behind which machines exist, or don't: knows nothing of pools and operations."""

from typing import Protocol

from tools.aks_emulator.machines.nodes import Node


class MachineError(Exception):
    """A machine couldn't be started, switched off or removed; the text says why."""


class Machines(Protocol):
    """All three may be called again after a crash, and then must come to the same end."""

    async def ensure(self, node: Node) -> None:
        """Returns once the machine runs and its Node carries the labels, taints and GPUs.

        Raises MachineError."""

    async def halt(self, name: str) -> None:
        """Switches the machine off; its Node stays, and becomes NotReady. Raises MachineError."""

    async def remove(self, name: str) -> None:
        """Removes the machine, if there is one, and its Node, as AKS's cloud controller does.

        Raises MachineError."""

    async def cluster_uid(self) -> str:
        """The identity of the cluster that machines join, empty for none. Raises MachineError."""


class NoMachines:
    """Scale mode: pools come and go, and no node ever joins."""

    async def ensure(self, node: Node) -> None:
        return

    async def halt(self, name: str) -> None:
        return

    async def remove(self, name: str) -> None:
        return

    async def cluster_uid(self) -> str:
        return ""


class FakeMachines:
    """Remembers what runs. `failures` are what the next calls for a node name raise."""

    def __init__(self, uid: str = "") -> None:
        self.uid = uid
        self.running: dict[str, Node] = {}
        self.halted: set[str] = set()
        self.failures: dict[str, str] = {}

    async def ensure(self, node: Node) -> None:
        self._fail(node.name)
        self.halted.discard(node.name)
        self.running[node.name] = node

    async def halt(self, name: str) -> None:
        self._fail(name)
        self.running.pop(name, None)
        self.halted.add(name)

    async def remove(self, name: str) -> None:
        self._fail(name)
        self.running.pop(name, None)
        self.halted.discard(name)

    async def cluster_uid(self) -> str:
        return self.uid

    def _fail(self, name: str) -> None:
        reason = self.failures.pop(name, None)
        if reason is not None:
            raise MachineError(reason)
