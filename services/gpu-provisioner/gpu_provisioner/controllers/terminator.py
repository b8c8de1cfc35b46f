"""Evicts and deletes the pods of a drain, and remembers the API server's errors."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from gpu_provisioner.metrics import Metrics
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound, Throttled
from kaito_kube.kinds import POD

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Terminator:
    """Keeps errors by the claim's uid and by pod (namespace/name)."""

    cluster: Cluster
    metrics: Metrics
    _errors: dict[str, dict[str, str]] = field(default_factory=dict)

    def eviction_errors(self, claim_uid: str) -> Mapping[str, str]:
        return self._errors.get(claim_uid, {})

    def forget(self, claim_uid: str) -> None:
        self._errors.pop(claim_uid, None)

    async def evict(self, claim_uid: str, namespace: str, name: str) -> None:
        pod, errors = f"{namespace}/{name}", self._errors.setdefault(claim_uid, {})
        try:
            await self.cluster.evict(name, namespace)
        except NotFound:
            errors.pop(pod, None)
            self.metrics.eviction_requested("404")
        except Throttled as error:
            # The API server answers 429 where a disruption budget forbids the eviction.
            logger.info("pod %s cannot be evicted yet: %s", pod, error)
            errors[pod] = str(error)
            self.metrics.eviction_requested("429")
        else:
            errors.pop(pod, None)
            self.metrics.eviction_requested("200")

    async def delete(self, namespace: str, name: str, grace_seconds: int) -> None:
        try:
            await self.cluster.delete(POD, name, namespace, grace_seconds=grace_seconds)
            logger.info("pod %s/%s is deleted with %d s to end", namespace, name, grace_seconds)
        except NotFound:
            logger.debug("pod %s/%s is already gone", namespace, name)
