"""Says that garbage collection is blocked, and since when: as an event and as metrics."""

from dataclasses import dataclass, field

from gpu_provisioner.metrics import Metrics
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import ClusterError
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import LEASE, Key


@dataclass
class CollectionReport:
    """The event is about the Lease of this provisioner: that is the one object which is its own."""

    cluster: Cluster
    recorder: EventRecorder
    metrics: Metrics
    clock: Clock
    lease: Key
    _cause: str = field(default="")

    def collected(self) -> None:
        self._cause = ""
        self.metrics.collected(self.clock.now().timestamp())

    async def blocked(self, cause: str, why: str) -> None:
        """Nothing can be collected. The event is recorded once for each `cause`: `why` may differ
        from try to try."""
        self.metrics.collection_blocked(cause)
        if cause == self._cause:
            return
        self._cause = cause
        note = f"nothing that looks lost is deleted: {why}"
        try:
            lease = await self.cluster.get(LEASE, self.lease.name, self.lease.namespace)
        except ClusterError:
            return
        await self.recorder.record(LEASE, lease, True, Reason.COLLECTION_BLOCKED, note)
