"""Carries a drain out, and remembers what the API server said to it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from gpu_provisioner.metrics import Metrics
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound, Throttled
from kaito_kube.kinds import POD

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Evictor:
    """Refusals are by claim uid and by pod, as namespace/name."""

    cluster: Cluster
    metrics: Metrics
    _refusals: dict[str, dict[str, str]] = field(default_factory=dict)

    def refusals(self, claim_uid: str) -> Mapping[str, str]:
        return self._refusals.get(claim_uid, {})

    def forget(self, claim_uid: str) -> None:
        self._refusals.pop(claim_uid, None)

    async def evict(self, claim_uid: str, namespace: str, name: str) -> None:
        pod, refused = f"{namespace}/{name}", self._refusals.setdefault(claim_uid, {})
        try:
            await self.cluster.evict(name, namespace)
        except NotFound:
            refused.pop(pod, None)
            self.metrics.evicted("404")
        except Throttled as error:
            logger.info("pod %s is not evicted yet: %s", pod, error)
            refused[pod] = str(error)
            self.metrics.evicted("429")
        else:
            refused.pop(pod, None)
            self.metrics.evicted("200")

    async def delete(self, namespace: str, name: str, grace_seconds: int) -> None:
        try:
            await self.cluster.delete(POD, name, namespace, grace_seconds=grace_seconds)
            logger.info("pod %s/%s has %d s left to end", namespace, name, grace_seconds)
        except NotFound:
            logger.debug("pod %s/%s was gone already", namespace, name)
