"""Puts the marks of agent pools back, and remembers how often."""

import logging
from dataclasses import dataclass

from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, PoolBusy, Throttled
from gpu_provisioner.controllers.pool_writer import PoolWriter
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.retry_pause import retry_after_seconds
from gpu_provisioner.state.mark_repairs import MarkRepairs

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class MarkRepairer:
    """`cluster_name` is the AKS cluster's."""

    pools: PoolWriter
    cluster_name: str
    repairs: MarkRepairs

    async def repair(self, observed: Observed, pool: str) -> None:
        """Put the marks back that the pool lacks. The claim goes on without them if that fails."""
        claim, refusal = observed.claim, ""
        try:
            await self.pools.repair_marks(observed, pool, self.cluster_name)
        except (Throttled, PoolBusy, CloudUnavailable) as error:
            logger.info("the marks of agent pool %s have to wait: %s", pool, error.message)
            pause = retry_after_seconds(error)
            self.repairs.postpone(claim.name, self.pools.clock.now(), pause)
            return
        except CloudError as error:
            logger.warning("the marks of agent pool %s are not put back: %s", pool, error.message)
            refusal = error.message
        self.repairs.record(claim.name, self.pools.clock.now(), refusal)
