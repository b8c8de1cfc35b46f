"""Whether what is seen of pools and nodes can be taken at its word: the cluster runs, it is not
being started or stopped, and that has been so for long enough that its nodes could come back."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.lifecycle.cluster_stability import UNKNOWN, Power
from kaito_kube.clock import Clock

logger = logging.getLogger(__name__)

_FRESH = timedelta(seconds=15)
# Answers further apart than this say nothing of the time between them.
_LONGEST_GAP = timedelta(minutes=5)
_PAUSE_SECONDS = 10.0


@dataclass(slots=True)
class PowerWatch:
    """The newest answer, shared by all who judge by it."""

    cloud: CloudProvider
    clock: Clock
    power: Power = UNKNOWN
    _not_before: datetime | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self) -> Power:
        """An answer that is fresh, where the cloud gives one; one call answers all who wait."""
        async with self._lock:
            now = self.clock.now()
            held = self._not_before is not None and now < self._not_before
            if not held and not self.power.is_fresh(now):
                await self._ask(now)
            return self.power

    async def _ask(self, now: datetime) -> None:
        try:
            state = await self.cloud.cluster()
        except CloudError as error:
            logger.warning("the cluster could not be read, nothing is judged: %s", error.message)
            pause = error.retry_after or _PAUSE_SECONDS
            self._not_before = self.clock.now() + timedelta(seconds=pause)
            return
        before, self.power = self.power, self.power.taken(state, now)
        if before.state is None or before.state.steady != state.steady:
            logger.info("the cluster is %s", "steady" if state.steady else self.power.words)
