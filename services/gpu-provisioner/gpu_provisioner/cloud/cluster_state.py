"""The AKS cluster that the pools belong to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """The AKS cluster that the pools belong to. With `settled` False it is being started,
    stopped or made: what is missing then may come back, and nothing is judged by it."""

    running: bool
    settled: bool
    kubernetes_version: str

    @property
    def steady(self) -> bool:
        """Whether what is seen of pools and nodes can be taken at its word."""
        return self.running and self.settled
