"""How the nodes of all claims are, counted at most every few seconds however many ask."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gpu_provisioner.claims import claim as claims
from gpu_provisioner.claims.claim import CLAIM_KINDS
from gpu_provisioner.lifecycle.nodes import is_ready
from gpu_provisioner.lifecycle.observed import Fleet
from kaito_api import labels
from kaito_kube.kinds import NODE
from kaito_kube.store import Store

_PERIOD = timedelta(seconds=5)


@dataclass(slots=True)
class FleetView:
    store: Store
    _counted: Fleet | None = None
    _at: datetime | None = None

    def count(self, now: datetime) -> Fleet:
        if self._counted is None or self._at is None or now - self._at >= _PERIOD:
            self._counted, self._at = self._count(), now
        return self._counted

    def _count(self) -> Fleet:
        """Claims whose machine has joined once, those that are going included: one that is being
        replaced is still one that does not work."""
        joined = unhealthy = 0
        for kind in CLAIM_KINDS:
            for manifest in self.store.all(kind):
                claim = claims.parse(kind, manifest)
                if claim.is_ours and claim.node_name:
                    joined += 1
                    unhealthy += not self._has_ready_node(claim.name)
        return Fleet(joined, unhealthy)

    def _has_ready_node(self, pool: str) -> bool:
        return any(map(is_ready, self.store.select(NODE, {labels.AGENT_POOL: pool})))
