"""Reads the state of the AKS cluster, and remembers since when it has been steady."""

import asyncio
import logging
import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import CloudError, Unauthorized
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.lifecycle.cluster_stability import UNKNOWN, ClusterStability
from kaito_kube.clock import Clock
from kaito_process.backoff import Backoff
from kaito_process.outage import Outage

logger = logging.getLogger(__name__)

# What the identity needs to read the state.
_RIGHT = "Microsoft.ContainerService/managedClusters/read"
# Where the cloud names no time after an error.
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 10.0, 120.0


@dataclass
class ClusterMonitor:
    """One for the process, so that one request answers for everybody who waits."""

    cloud: CloudProvider
    clock: Clock
    stability: ClusterStability = UNKNOWN
    rng: random.Random = field(default_factory=random.Random)
    _not_before: datetime | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._outage = Outage(logger, "read the state of the AKS cluster")
        self._backoff = Backoff(_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS, rng=self.rng)

    async def refresh(self) -> ClusterStability:
        """Return what is known now, with a fresh state unless the cloud refuses it."""
        async with self._lock:
            now = self.clock.now()
            in_backoff = self._not_before is not None and now < self._not_before
            if not in_backoff and not self.stability.is_fresh(now):
                await self._read(now)
            return self.stability

    async def _read(self, now: datetime) -> None:
        try:
            state = await self.cloud.cluster()
        except CloudError as error:
            self._outage.failed(error, now.timestamp())
            self.stability = replace(self.stability, error=_describe(error))
            pause = error.retry_after_seconds or self._backoff.next_seconds(now.timestamp())
            self._not_before = self.clock.now() + timedelta(seconds=pause)
            return
        self._outage.ended(now.timestamp())
        before, self.stability = self.stability, self.stability.updated(state, now)
        if before.state is None or before.state.steady != state.steady:
            logger.info(
                "%s", "the AKS cluster is steady" if state.steady else self.stability.description
            )


def _describe(error: CloudError) -> str:
    if isinstance(error, Unauthorized):
        return f"{error.reason}: the identity needs {_RIGHT} on the cluster: {error.message}"
    return f"{error.reason}: {error.message}"
