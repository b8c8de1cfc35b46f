"""Puts the marks of agent pools back, and remembers how often."""

import logging
from dataclasses import dataclass

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.controllers.pool_writer import PoolWriter
from gpu_provisioner.state.mark_repairs import MarkRepairs

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class MarkRepairer:
    """`cluster_name` is the AKS cluster's."""

    pools: PoolWriter
    cluster_name: str
    repairs: MarkRepairs

    async def repair(self, claim: Claim, pool: str) -> None:
        """Put the marks back that the pool lacks. The claim goes on without them if that fails."""
        self.repairs.record(claim.name, self.pools.clock.now())
        try:
            await self.pools.repair_marks(claim, pool, self.cluster_name)
        except CloudError as error:
            logger.warning("the marks of agent pool %s are not put back: %s", pool, error.message)
