"""Reads the state of the AKS cluster, and remembers since when it has been steady."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.lifecycle.cluster_stability import UNKNOWN, ClusterStability
from kaito_kube.clock import Clock

logger = logging.getLogger(__name__)

# How long to wait after an error for which the cloud names no time.
_RETRY_SECONDS = 10.0


@dataclass(slots=True)
class ClusterMonitor:
    """One for the process, so that one request answers for everybody who waits."""

    cloud: CloudProvider
    clock: Clock
    stability: ClusterStability = UNKNOWN
    _not_before: datetime | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

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
            logger.warning(
                "the state of the cluster cannot be read, so nothing that looks lost is deleted: "
                "%s", error.message)  # fmt: skip
            pause = error.retry_after_seconds or _RETRY_SECONDS
            self._not_before = self.clock.now() + timedelta(seconds=pause)
            return
        before, self.stability = self.stability, self.stability.updated(state, now)
        if before.state is None or before.state.steady != state.steady:
            logger.info(
                "%s", "the AKS cluster is steady" if state.steady else self.stability.description
            )
