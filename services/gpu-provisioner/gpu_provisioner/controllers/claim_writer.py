"""Writes claims: finalizer, status, labels and deletion. Nothing else writes them."""

import logging
from dataclasses import dataclass

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.lifecycle.node_labels import missing_claim_labels
from gpu_provisioner.lifecycle.node_patches import without_finalizer
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import DisruptionReason
from gpu_provisioner.metrics import Metrics
from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound
from kaito_kube.kinds import NODE, Manifest

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class ClaimWriter:
    cluster: Cluster
    clock: Clock
    metrics: Metrics

    async def add_finalizer(self, claim: Claim) -> None:
        await self._patch_finalizers(claim, add=True)
        self.metrics.claim_accepted(claim)

    async def remove_finalizer(self, observed: Observed, nodes: tuple[str, ...]) -> None:
        """Delete the Nodes, then remove the finalizer."""
        for name in nodes:
            try:
                await self._delete_node(name, observed)
            except NotFound:
                logger.debug("node %s is already gone", name)
        claim, now, node = observed.claim, self.clock.now(), observed.node
        await self._patch_finalizers(claim, add=False)
        joined = parse_time(node["metadata"]["creationTimestamp"]) if node is not None else None
        age = (now - joined).total_seconds() if joined is not None else None
        self.metrics.claim_terminated(claim, (now - (claim.deleted or now)).total_seconds(), age)

    async def _delete_node(self, name: str, observed: Observed) -> None:
        known = (n for n in observed.nodes if n["metadata"]["name"] == name)
        for node in known:
            if metadata := without_finalizer(node):
                await self.cluster.patch(NODE, name, {"metadata": metadata})
        await self.cluster.delete(NODE, name)

    async def delete(self, claim: Claim, reason: DisruptionReason) -> None:
        """Delete the claim, unless it was replaced by another one of the same name."""
        kind = claim.kind.kind
        try:
            metadata = (await self.cluster.get(kind, claim.name))["metadata"]
            if metadata["uid"] != claim.uid or metadata.get("deletionTimestamp") is not None:
                return
            logger.warning("claim %s is deleted: %s", claim.name, reason)
            await self.cluster.delete(kind, claim.name)
        except NotFound:
            return
        self.metrics.claim_disrupted(claim, reason)

    async def update_status(self, observed: Observed, status: Manifest) -> None:
        """Write status and labels, each only if it changes."""
        claim = observed.claim
        if any(claim.status.get(key) != value for key, value in status.items()):
            await self.cluster.patch(
                claim.kind.kind, claim.name, {"status": status}, subresource="status"
            )
            self._count_transitions(claim, status)
        if missing := missing_claim_labels(observed):
            patch = {"metadata": {"labels": missing}}
            await self.cluster.patch(claim.kind.kind, claim.name, patch)

    async def _patch_finalizers(self, claim: Claim, *, add: bool) -> None:
        metadata = claim.manifest["metadata"]
        others = [f for f in metadata.get("finalizers") or () if f != labels.TERMINATION_FINALIZER]
        finalizers = [*others, labels.TERMINATION_FINALIZER] if add else others
        # A merge patch replaces the whole list, so it must fail if someone else changed it.
        version = metadata["resourceVersion"]
        patch = {"metadata": {"finalizers": finalizers, "resourceVersion": version}}
        await self.cluster.patch(claim.kind.kind, claim.name, patch)

    def _count_transitions(self, claim: Claim, status: Manifest) -> None:
        was_true = {c["type"] for c in claim.conditions if c["status"] == "True"}
        for condition in status["conditions"]:
            if condition["status"] == "True" and condition["type"] not in was_true:
                seconds = (self.clock.now() - claim.created).total_seconds()
                self.metrics.condition_reached(claim, condition["type"], seconds)
                logger.info("%s after %.1f s", condition["type"], seconds)
