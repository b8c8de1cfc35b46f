"""Counts the healthy and unhealthy nodes of all claims, at most every few seconds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from gpu_provisioner.claims import claim as claims
from gpu_provisioner.claims.claim import CLAIM_KINDS
from gpu_provisioner.lifecycle.nodes import is_ready
from gpu_provisioner.lifecycle.observed import NodeHealthSummary
from kaito_api import labels
from kaito_kube.kinds import NODE
from kaito_kube.store import Store

# In an outage every claim needs the counts at once, and counting reads every claim.
_TTL = timedelta(seconds=5)


@dataclass(slots=True)
class NodeHealthCache:
    store: Store
    _summary: NodeHealthSummary | None = None
    _counted_at: datetime | None = None

    def summary(self, now: datetime) -> NodeHealthSummary:
        if self._summary is None or self._counted_at is None or now - self._counted_at >= _TTL:
            self._summary, self._counted_at = self._count(), now
        return self._summary

    def _count(self) -> NodeHealthSummary:
        """Count the claims whose machine has joined. Claims that are being deleted count too: a
        node that is being replaced is still unhealthy."""
        joined = unhealthy = 0
        for kind in CLAIM_KINDS:
            for manifest in self.store.all(kind):
                claim = claims.parse(kind, manifest)
                if claim.is_managed and claim.node_name:
                    joined += 1
                    unhealthy += not self._has_ready_node(claim.name)
        return NodeHealthSummary(joined, unhealthy)

    def _has_ready_node(self, pool: str) -> bool:
        return any(map(is_ready, self.store.select(NODE, {labels.AGENT_POOL: pool})))
