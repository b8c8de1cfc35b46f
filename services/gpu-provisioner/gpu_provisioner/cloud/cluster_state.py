"""The state of the AKS cluster that the agent pools belong to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """`settled` is False while the cluster is being created, started or stopped: missing pools
    and nodes may come back then, so nothing is decided from them."""

    running: bool
    settled: bool
    kubernetes_version: str

    @property
    def steady(self) -> bool:
        """Whether the pools and nodes that are missing now are really gone."""
        return self.running and self.settled
