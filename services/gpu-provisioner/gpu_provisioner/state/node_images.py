"""Caches the newest node image of each family. It is requested rarely, and for one pool of the
family only."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.cloud.provider import CloudProvider
from kaito_kube.clock import Clock

logger = logging.getLogger(__name__)

# AKS releases node images about once a week.
_TTL = timedelta(hours=1)
# Requests in one pass, so that many families do not become a burst of reads.
_MAX_REQUESTS = 2


def family(image: str) -> str:
    """Return AKSUbuntu-2204gen2containerd for AKSUbuntu-2204gen2containerd-202610.12.0."""
    return image.rpartition("-")[0]


@dataclass(slots=True)
class NodeImageCache:
    cloud: CloudProvider
    clock: Clock
    _newest: dict[str, str] = field(default_factory=dict)
    _requested_at: dict[str, datetime] = field(default_factory=dict)

    def newest(self, image: str) -> str:
        """Return the newest image of the same family, empty where it is unknown."""
        return self._newest.get(family(image), "")

    async def refresh(self, pools: Iterable[Pool]) -> set[str]:
        """Request the newest image of families that are due, and return those whose newest image
        changed."""
        now = self.clock.now()
        due = {family(p.image): p for p in pools if p.image and self._is_due(family(p.image), now)}
        changed = set()
        for name, pool in sorted(due.items())[:_MAX_REQUESTS]:
            self._requested_at[name] = now
            if await self._has_changed(name, pool):
                changed.add(name)
        return changed

    def _is_due(self, name: str, now: datetime) -> bool:
        return name not in self._requested_at or now - self._requested_at[name] >= _TTL

    async def _has_changed(self, name: str, pool: Pool) -> bool:
        try:
            newest = await self.cloud.newest_image(pool.name)
        except CloudError as error:
            logger.info("the newest image of %s cannot be read: %s", name, error.message)
            return False
        before, self._newest[name] = self._newest.get(name), newest
        return before != newest
