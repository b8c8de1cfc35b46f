"""One pass over one claim: observe, decide, carry out. The only place where claims are written."""

import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta

from gpu_provisioner import claim as claims
from gpu_provisioner.claim import Claim
from gpu_provisioner.cloud import CloudError, CloudProvider, Pool, PoolBusy, PoolNotFound, PoolState
from gpu_provisioner.lifecycle import launch
from gpu_provisioner.lifecycle.decide import claim_labels, decide
from gpu_provisioner.lifecycle.observed import Observed, Setback
from gpu_provisioner.lifecycle.plan import (
    Action,
    AddFinalizer,
    CreatePool,
    DeleteClaim,
    DeletePool,
    EvictPod,
    PatchNode,
    Plan,
    Release,
    Tell,
)
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.pool_view import PoolView
from gpu_provisioner.settings import Terms
from kaito_api import labels
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound, Throttled
from kaito_kube.events import Recorder
from kaito_kube.kinds import NODE, POD, Key, Kind, Manifest
from kaito_kube.store import Store
from kaito_skus import catalog
from kaito_skus.sku import Vendor

LOG = logging.getLogger(__name__)


@dataclass
class Reconciler:
    """`cluster_name` is the AKS cluster's, for the pools' tags."""

    cluster: Cluster
    cloud: CloudProvider
    store: Store
    pools: PoolView
    clock: Clock
    recorder: Recorder
    metrics: Metrics
    terms: Terms
    cluster_name: str
    _setbacks: dict[str, Setback] = field(default_factory=dict)

    async def reconcile(self, kind: Kind, key: Key) -> float | None:
        manifest = self.store.get(kind, key)
        if manifest is None:
            self._setbacks.pop(key.name, None)
            return None
        claim = claims.parse(kind, manifest)
        if not claim.is_ours:
            return None
        observed = await self._observe(claim)
        plan = decide(observed)
        try:
            await self._carry_out(observed, plan)
        except CloudError as error:
            return await self._set_back(observed, error)
        if observed.pool is not None and observed.pool.state is PoolState.SUCCEEDED:
            self._setbacks.pop(claim.name, None)
        return plan.look_again

    async def _observe(self, claim: Claim) -> Observed:
        node = self._node_of(claim.name)
        return Observed(
            claim=claim,
            pool=self.pools.get(claim.name),
            pools_known=self.pools.is_known,
            node=node,
            pods=await self._pods_on(node) if claim.deleted is not None else (),
            gpus=_gpus(claim),
            setback=self._setbacks.get(claim.name),
            cluster=self.cluster_name,
            terms=self.terms,
            now=self.clock.now(),
        )

    def _node_of(self, pool: str) -> Manifest | None:
        nodes = self.store.select(NODE, {labels.AGENT_POOL: pool})
        return min(nodes, key=lambda node: str(node["metadata"]["name"]), default=None)

    async def _pods_on(self, node: Manifest | None) -> tuple[Manifest, ...]:
        if node is None:
            return ()
        fields = {"spec.nodeName": node["metadata"]["name"]}
        return tuple((await self.cluster.list(POD, fields=fields)).items)

    async def _carry_out(self, observed: Observed, plan: Plan) -> None:
        for action in plan.actions:
            await self._do(observed.claim, action)
        if plan.status is not None:
            await self._write(observed, plan.status)

    async def _do(self, claim: Claim, action: Action) -> None:
        match action:
            case AddFinalizer():
                await self._finalizers(claim, add=True)
            case CreatePool(spec):
                asked = self.clock.now()
                self.pools.note(await self.cloud.create(spec), asked)
                LOG.info("asked for agent pool %s of %s", spec.name, spec.instance_type)
                self.metrics.created(spec.instance_type)
            case DeletePool(name):
                await self._delete_pool(name)
            case PatchNode(name, patch):
                await self.cluster.patch(NODE, name, patch)
            case EvictPod(namespace, name):
                await self._evict(namespace, name)
            case DeleteClaim():
                await self.cluster.delete(claim.kind.kind, claim.name)
            case Release(pool, node):
                await self._release(claim, pool, node)
            case Tell(type_, reason, note):
                warning = type_ == "Warning"
                await self.recorder.record(claim.kind.kind, claim.manifest, warning, reason, note)

    async def _delete_pool(self, name: str) -> None:
        asked = self.clock.now()
        await self.cloud.delete(name)
        LOG.info("asked for the deletion of agent pool %s", name)
        self.metrics.deleted()
        if (pool := self.pools.get(name)) is not None:
            self.pools.note(_deleting(pool), asked)

    async def _evict(self, namespace: str, name: str) -> None:
        try:
            await self.cluster.evict(name, namespace)
        except (NotFound, Throttled) as error:
            LOG.info("pod %s/%s is not evicted yet: %s", namespace, name, error)

    async def _release(self, claim: Claim, pool: str, node: str | None) -> None:
        """Asks the cloud itself once more: a create may have taken effect unseen."""
        asked = self.clock.now()
        try:
            found = await self.cloud.get(pool)
        except PoolNotFound:
            self.pools.note_gone(pool, asked)
        else:
            self.pools.note(found, asked)
            if found.tags.get("kaito-claim-uid") == claim.uid:
                raise PoolBusy("LaunchFailed", f"agent pool {pool} is still there", 1.0)
        if node is not None:
            await self._ignoring_absence(NODE, node)
        await self._finalizers(claim, add=False)
        self.metrics.terminated((self.clock.now() - (claim.deleted or asked)).total_seconds())

    async def _ignoring_absence(self, kind: Kind, name: str) -> None:
        try:
            await self.cluster.delete(kind, name)
        except NotFound:
            LOG.debug("%s %s was gone already", kind, name)

    async def _finalizers(self, claim: Claim, *, add: bool) -> None:
        metadata = claim.manifest["metadata"]
        others = [f for f in metadata.get("finalizers") or () if f != labels.TERMINATION_FINALIZER]
        wanted = [*others, labels.TERMINATION_FINALIZER] if add else others
        patch = {"metadata": {"finalizers": wanted, "resourceVersion": metadata["resourceVersion"]}}
        await self.cluster.patch(claim.kind.kind, claim.name, patch)

    async def _write(self, observed: Observed, status: Manifest) -> None:
        """Status and labels, each only where it would change something."""
        claim = observed.claim
        before = claim.manifest.get("status") or {}
        if any(before.get(key) != value for key, value in status.items()):
            await self.cluster.patch(
                claim.kind.kind, claim.name, {"status": status}, subresource="status"
            )
            self._count_transitions(claim, before, status)
        if found := claim_labels(observed):
            patch = {"metadata": {"labels": found}}
            await self.cluster.patch(claim.kind.kind, claim.name, patch)

    def _count_transitions(self, claim: Claim, before: Manifest, after: Manifest) -> None:
        was = {c["type"] for c in before.get("conditions") or () if c["status"] == "True"}
        for condition in after["conditions"]:
            if condition["status"] == "True" and condition["type"] not in was:
                seconds = (self.clock.now() - claim.created).total_seconds()
                self.metrics.reached(condition["type"], seconds)
                LOG.info("%s after %.1f s", condition["type"], seconds)

    async def _set_back(self, observed: Observed, error: CloudError) -> float:
        """Remembers the refusal, shows it, and says when to try again."""
        pause = launch.pause_after(error)
        LOG.warning("%s: %s; again in %.0f s", error.reason, error.message, pause)
        self.metrics.refused(error.reason)
        if observed.claim.deleted is not None or isinstance(error, PoolBusy):
            return pause
        now = self.clock.now()
        name = observed.claim.name
        self._setbacks[name] = Setback(error, now + timedelta(seconds=pause))
        again = await self._observe(observed.claim)
        plan = decide(again)
        if plan.status is not None:
            await self._write(again, plan.status)
        await self.recorder.record(
            observed.claim.kind.kind, observed.claim.manifest, True, error.reason, error.message
        )
        return pause


def _deleting(pool: Pool) -> Pool:
    return replace(pool, state=PoolState.DELETING)


def _gpus(claim: Claim) -> int:
    """NVIDIA GPUs of the claim's machine type, 0 when it has none or is not in the catalogue."""
    values = next(
        (r.values for r in claim.requirements if r.key == labels.INSTANCE_TYPE and r.values), ()
    )
    sku = catalog.load().find(values[0]) if values else None
    if sku is None or sku.gpus is None or sku.gpus.vendor is not Vendor.NVIDIA:
        return 0
    return sku.gpus.count
