"""One pass over one claim: observe, decide, carry out. The only place where claims are written."""

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gpu_provisioner import agent_pools
from gpu_provisioner import claim as claims
from gpu_provisioner.claim import Claim
from gpu_provisioner.cloud import (
    CloudError,
    CloudProvider,
    LaunchRefused,
    Pool,
    PoolBusy,
    PoolNotFound,
    PoolSpec,
    PoolState,
    Queued,
)
from gpu_provisioner.lifecycle import launch
from gpu_provisioner.lifecycle.decide import decide
from gpu_provisioner.lifecycle.machine_labels import claim_labels
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
from gpu_provisioner.offerings.buyer import Buyer
from gpu_provisioner.pool_defaults import PoolDefaults
from gpu_provisioner.pool_view import PoolView
from gpu_provisioner.settings import Terms
from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound, Throttled
from kaito_kube.events import Recorder
from kaito_kube.kinds import NODE, POD, Key, Kind, Manifest
from kaito_kube.store import Store
from kaito_skus import catalog
from kaito_skus.sku import Vendor

LOG = logging.getLogger(__name__)
_AT_ONCE = -1.0


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
    buyer: Buyer
    defaults: PoolDefaults = field(default_factory=PoolDefaults)
    _setbacks: dict[str, Setback] = field(default_factory=dict)

    async def reconcile(self, kind: Kind, key: Key) -> float | None:
        while (claim := self._claim(kind, key)) is not None:
            again = await self._pass(claim)
            if again != _AT_ONCE:
                return again
        return None

    def _claim(self, kind: Kind, key: Key) -> Claim | None:
        """The claim as it is now, if it is ours."""
        manifest = self.store.get(kind, key)
        if manifest is None:
            self._setbacks.pop(key.name, None)
            self.buyer.forget(key.name)
            return None
        claim = claims.parse(kind, manifest)
        return claim if claim.is_ours else None

    async def _pass(self, claim: Claim) -> float | None:
        """Another one is due at once where the cloud refused what another choice may mend: each
        such refusal leaves less to choose from."""
        observed = await self._observe(claim)
        plan = decide(observed)
        order = _order(plan)
        if order is not None:
            self.buyer.asks(order)
        try:
            await self._carry_out(observed, plan)
        except LaunchRefused as error:
            if order is None or not self.buyer.refused(order, error):
                return await self._set_back(observed, error)
            await self._tell_refusal(claim, order, error)
            return _AT_ONCE
        except CloudError as error:
            return await self._set_back(observed, error)
        if observed.pool is not None and observed.pool.state is PoolState.SUCCEEDED:
            self._setbacks.pop(claim.name, None)
        return plan.look_again

    async def _observe(self, claim: Claim) -> Observed:
        node = self._node_of(claim)
        draining = claim.deleted is not None and not _is_going(self.pools.get(claim.name))
        pods = await self._pods_on(node) if draining else ()
        if self._is_to_choose(claim):
            await self.buyer.look()
        # Nothing is waited for from here until the choice is in the buyer's books.
        pool = self.pools.get(claim.name)
        if claim.deleted is not None:
            self.buyer.forget(claim.name)
        elif pool is not None and agent_pools.belongs_to(pool, claim):
            self.buyer.saw(pool, joined=node is not None)
        return Observed(
            claim=claim,
            pool=pool,
            pools_known=self.pools.is_known,
            node=node,
            pods=pods,
            gpus=_gpus(pool),
            setback=self._setbacks.get(claim.name),
            cluster=self.cluster_name,
            terms=self.terms,
            now=self.clock.now(),
            choice=self.buyer.choose(claim) if self._is_to_choose(claim) else None,
            defaults=self.defaults,
        )

    def _is_to_choose(self, claim: Claim) -> bool:
        """Whether a pool is to be asked for now, as far as that can be known before deciding."""
        setback = self._setbacks.get(claim.name)
        return (
            claim.deleted is None
            and claim.has_finalizer
            and claim.since(claim.kind.initialized) is None
            and self.pools.is_known
            and self.pools.get(claim.name) is None
            and (setback is None or setback.not_before <= self.clock.now())
        )

    def _node_of(self, claim: Claim) -> Manifest | None:
        """Its pool's. A pool of someone else that has its name has Nodes of someone else, and a
        Node that is older than the claim is what is left of an earlier claim of that name."""
        pool = self.pools.get(claim.name)
        if pool is not None and not agent_pools.belongs_to(pool, claim):
            return None
        found = self.store.select(NODE, {labels.AGENT_POOL: claim.name})
        nodes = (node for node in found if _born(node) >= claim.created)
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
                self.buyer.accepted(spec)
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
            self.pools.note(replace(pool, state=PoolState.DELETING), asked)

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

    async def _tell_refusal(self, claim: Claim, order: PoolSpec, error: CloudError) -> None:
        LOG.warning("%s refused: %s: %s", order.instance_type, error.reason, error.message)
        self.metrics.refused(error.reason)
        await self.recorder.record(
            claim.kind.kind, claim.manifest, True, error.reason, error.message
        )

    async def _set_back(self, observed: Observed, error: CloudError) -> float:
        """Remembers the refusal, shows it, and says when to try again."""
        pause = launch.pause_after(error)
        if isinstance(error, Queued):
            LOG.debug("%s; again in %.1f s", error.message, pause)
        else:
            LOG.warning("%s: %s; again in %.0f s", error.reason, error.message, pause)
            self.metrics.refused(error.reason)
        if observed.claim.deleted is not None:
            return pause
        now = self.clock.now()
        name = observed.claim.name
        self._setbacks[name] = Setback(error, now + timedelta(seconds=pause))
        again = await self._observe(observed.claim)
        plan = decide(again)
        if plan.status is not None:
            await self._write(again, plan.status)
        if not isinstance(error, Queued | PoolBusy):
            await self.recorder.record(
                observed.claim.kind.kind, observed.claim.manifest, True, error.reason, error.message
            )
        return pause


def _born(node: Manifest) -> datetime:
    return parse_time(node["metadata"]["creationTimestamp"])


def _is_going(pool: Pool | None) -> bool:
    """It is too late to drain."""
    return pool is not None and pool.state is PoolState.DELETING


def _order(plan: Plan) -> PoolSpec | None:
    """The pool that the plan asks the cloud for."""
    return next((action.spec for action in plan.actions if isinstance(action, CreatePool)), None)


def _gpus(pool: Pool | None) -> int:
    """NVIDIA GPUs of the pool's machine, 0 when it has none or is not in the catalogue."""
    sku = catalog.load().find(pool.instance_type) if pool is not None else None
    return sku.gpus.count if sku is not None and sku.gpus.vendor is Vendor.NVIDIA else 0
