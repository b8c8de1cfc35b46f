"""Compares the AKS cluster with the Kubernetes cluster, until the answer is known."""

import asyncio
import logging
from dataclasses import dataclass, field

from gpu_provisioner.lifecycle.cluster_identity import (
    Identity,
    WrongCluster,
    identify,
    mismatch_message,
)
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from kaito_kube.cluster import Cluster
from kaito_kube.errors import ClusterError
from kaito_kube.kinds import NODE
from kaito_process.outage import Outage

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class IdentityMonitor:
    """The answer is final: neither the settings nor the API server of a process change. With
    `enabled` False it stays UNKNOWN."""

    cluster: Cluster
    monitor: ClusterMonitor
    enabled: bool = True
    identity: Identity = Identity.UNKNOWN
    _outage: Outage = field(
        default_factory=lambda: Outage(logger, "compare the nodes with the AKS cluster")
    )

    async def check(self) -> Identity:
        """Return the answer, if both sides respond.

        Raises:
            WrongCluster: the settings name another AKS cluster.
        """
        if not self.enabled or self.identity is not Identity.UNKNOWN:
            return self.identity
        # The API server first: the clock takes its time with the first response, which may set it
        # back, and the calls to Azure would wait until it has caught up.
        loop = asyncio.get_running_loop()
        try:
            nodes = (await self.cluster.list(NODE)).items
        except ClusterError as error:
            self._outage.failed(error, loop.time())
            return self.identity
        self._outage.ended(loop.time())
        state = (await self.monitor.refresh()).state
        if state is None:
            return self.identity
        self.identity = identify(state, nodes)
        if self.identity is Identity.OTHER:
            raise WrongCluster(mismatch_message(state, nodes))
        if self.identity is Identity.SAME:
            logger.info("the nodes are machines of the AKS cluster %s", state.resource_id)
        return self.identity
