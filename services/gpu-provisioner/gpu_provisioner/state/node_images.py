"""The newest node image of each family, asked of the cloud seldom and one pool for all of it."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.cloud.provider import CloudProvider
from kaito_kube.clock import Clock

logger = logging.getLogger(__name__)

_PERIOD = timedelta(hours=1)
_MOST_AT_ONCE = 2


def family(image: str) -> str:
    """AKSUbuntu-2204gen2containerd of AKSUbuntu-2204gen2containerd-202610.12.0."""
    return image.rpartition("-")[0]


@dataclass(slots=True)
class ImageWatch:
    cloud: CloudProvider
    clock: Clock
    _newest: dict[str, str] = field(default_factory=dict)
    _asked: dict[str, datetime] = field(default_factory=dict)

    def newest(self, image: str) -> str:
        """The newest of its family; empty where that is not known."""
        return self._newest.get(family(image), "")

    async def look(self, pools: Iterable[Pool]) -> set[str]:
        """Asks for the families that were not asked for lately; returns those that have a new
        image now."""
        now = self.clock.now()
        due = {family(p.image): p for p in pools if p.image and self._is_due(family(p.image), now)}
        changed = set()
        for name, pool in sorted(due.items())[:_MOST_AT_ONCE]:
            self._asked[name] = now
            if await self._differs(name, pool):
                changed.add(name)
        return changed

    def _is_due(self, name: str, now: datetime) -> bool:
        return name not in self._asked or now - self._asked[name] >= _PERIOD

    async def _differs(self, name: str, pool: Pool) -> bool:
        try:
            newest = await self.cloud.newest_image(pool.name)
        except CloudError as error:
            logger.info("the newest image of %s is not known: %s", name, error.message)
            return False
        before, self._newest[name] = self._newest.get(name), newest
        return before != newest
