"""The only place where claims are written: finalizer, status, labels, and their end."""

import logging
from dataclasses import dataclass

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.lifecycle.node_labels import claim_labels
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import GivesUp
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
        await self._finalizers(claim, add=True)
        self.metrics.taken_on(claim)

    async def release(self, observed: Observed, nodes: tuple[str, ...]) -> None:
        """The Node objects go, then the finalizer."""
        for name in nodes:
            try:
                await self.cluster.delete(NODE, name)
            except NotFound:
                logger.debug("node %s was gone already", name)
        claim, now, node = observed.claim, self.clock.now(), observed.node
        await self._finalizers(claim, add=False)
        born = parse_time(node["metadata"]["creationTimestamp"]) if node is not None else None
        age = (now - born).total_seconds() if born is not None else None
        self.metrics.terminated(claim, (now - (claim.deleted or now)).total_seconds(), age)

    async def give_up(self, claim: Claim, why: GivesUp) -> None:
        """Deletes the claim, if the one by that name is still the one that was judged."""
        kind = claim.kind.kind
        try:
            metadata = (await self.cluster.get(kind, claim.name))["metadata"]
            if metadata["uid"] != claim.uid or metadata.get("deletionTimestamp") is not None:
                return
            logger.warning("claim %s is given up: %s", claim.name, why)
            await self.cluster.delete(kind, claim.name)
        except NotFound:
            return
        self.metrics.given_up(claim, why)

    async def show(self, observed: Observed, status: Manifest) -> None:
        """Status and labels, each only where it would change something."""
        claim = observed.claim
        if any(claim.status.get(key) != value for key, value in status.items()):
            await self.cluster.patch(
                claim.kind.kind, claim.name, {"status": status}, subresource="status"
            )
            self._count_transitions(claim, status)
        if found := claim_labels(observed):
            patch = {"metadata": {"labels": found}}
            await self.cluster.patch(claim.kind.kind, claim.name, patch)

    async def _finalizers(self, claim: Claim, *, add: bool) -> None:
        metadata = claim.manifest["metadata"]
        others = [f for f in metadata.get("finalizers") or () if f != labels.TERMINATION_FINALIZER]
        wanted = [*others, labels.TERMINATION_FINALIZER] if add else others
        patch = {"metadata": {"finalizers": wanted, "resourceVersion": metadata["resourceVersion"]}}
        await self.cluster.patch(claim.kind.kind, claim.name, patch)

    def _count_transitions(self, claim: Claim, after: Manifest) -> None:
        was = {c["type"] for c in claim.conditions if c["status"] == "True"}
        for condition in after["conditions"]:
            if condition["status"] == "True" and condition["type"] not in was:
                seconds = (self.clock.now() - claim.created).total_seconds()
                self.metrics.reached(claim, condition["type"], seconds)
                logger.info("%s after %.1f s", condition["type"], seconds)
