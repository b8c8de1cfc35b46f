"""The state of the AKS cluster that the agent pools belong to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterState:
    """`settled` is False while the cluster is being created, started or stopped: missing pools
    and nodes may come back then, so nothing is decided from them.

    `resource_id` is ARM's, and `node_group` is `subscription/resource group` of the cluster's
    machines in lower case; both are empty where the cloud does not report them.
    """

    running: bool
    settled: bool
    kubernetes_version: str
    resource_id: str = ""
    node_group: str = ""

    @property
    def steady(self) -> bool:
        """Whether the pools and nodes that are missing now are really gone."""
        return self.running and self.settled
