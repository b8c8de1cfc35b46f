"""Which of the nodes of a training this one is, and where the first one is reached. No torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The node `number` of `count`, each of which runs `processes`.

    The launcher of the first one listens at `host` and `port`.
    """

    number: int
    count: int
    processes: int
    host: str
    port: int

    @property
    def is_first(self) -> bool:
        return self.number == 0

    @property
    def size(self) -> int:
        """How many processes the training has."""
        return self.count * self.processes

    def name(self, number: int) -> str:
        """What people call a node."""
        return f"node {number + 1} of {self.count}"
