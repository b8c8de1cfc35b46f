"""One pass over one claim: observe, decide, carry out."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.claims.claim import CLAIM_KINDS, Claim, parse
from gpu_provisioner.cloud.errors import CloudError, LaunchRefused, PoolBusy, Queued
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.claim_writer import ClaimWriter
from gpu_provisioner.controllers.pool_writer import PoolWriter
from gpu_provisioner.controllers.terminator import Evictor
from gpu_provisioner.lifecycle import launch
from gpu_provisioner.lifecycle.decide import decide
from gpu_provisioner.lifecycle.nodes import is_ready, nodes_of
from gpu_provisioner.lifecycle.observed import Fleet, Observed, Setback
from gpu_provisioner.lifecycle.plan import (
    Action,
    AddFinalizer,
    AskCluster,
    ConfirmGone,
    CreatePool,
    DeletePod,
    DeletePool,
    DiscardPool,
    EvictPod,
    PatchNode,
    Plan,
    Release,
    Tell,
)
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.offerings.selector import Buyer
from gpu_provisioner.pool_defaults import PoolDefaults
from gpu_provisioner.settings import Terms
from gpu_provisioner.state.cluster_monitor import PowerWatch
from gpu_provisioner.state.node_health import FleetView
from gpu_provisioner.state.node_images import ImageWatch
from gpu_provisioner.state.pool_cache import PoolView
from kaito_api import labels
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import NODE, POD, Key, Kind, Manifest
from kaito_kube.store import Store
from kaito_skus import catalog
from kaito_skus.sku import Vendor

logger = logging.getLogger(__name__)
_AT_ONCE = -1.0


@dataclass
class Reconciler:
    """`cluster_name` is the AKS cluster's, for the pools' tags."""

    cluster: Cluster
    cloud: CloudProvider
    store: Store
    pools: PoolView
    clock: Clock
    recorder: EventRecorder
    metrics: Metrics
    terms: Terms
    cluster_name: str
    buyer: Buyer
    power: PowerWatch
    images: ImageWatch
    defaults: PoolDefaults = field(default_factory=PoolDefaults)
    _setbacks: dict[str, Setback] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._claim_writer = ClaimWriter(self.cluster, self.clock, self.metrics)
        self._pool_writer = PoolWriter(
            self.cloud, self.cluster, self.pools, self.clock, self.metrics
        )
        self._evictor = Evictor(self.cluster, self.metrics)
        self._fleet = FleetView(self.store)

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
        claim = parse(kind, manifest)
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
        pods = await self._pods_to_drain(claim)
        if self._is_to_choose(claim):
            await self.buyer.look()
        # Nothing is waited for from here until the choice is in the buyer's books.
        pool, now = self.pools.get(claim.name), self.clock.now()
        nodes = self._nodes(claim, pool)
        if claim.deleted is not None:
            self.buyer.forget(claim.name)
        elif pool is not None and ownership.belongs_to(pool, claim):
            self.buyer.saw(pool, joined=bool(nodes))
        return Observed(
            claim=claim,
            pool=pool,
            listed=self.pools.asked,
            rival=self._rival(claim, pool),
            nodes=nodes,
            pods=pods,
            refusals=self._evictor.refusals(claim.uid),
            gpus=_gpus(pool),
            fleet=self._count_fleet(claim, nodes, now),
            newest_image=self.images.newest(pool.image) if pool is not None else "",
            power=self.power.power,
            setback=self._setbacks.get(claim.name),
            cluster=self.cluster_name,
            terms=self.terms,
            now=now,
            choice=self.buyer.choose(claim) if self._is_to_choose(claim) else None,
            defaults=self.defaults,
        )

    def _is_to_choose(self, claim: Claim) -> bool:
        """Whether a pool is to be asked for now, as far as that can be known before deciding."""
        setback = self._setbacks.get(claim.name)
        return (
            claim.deleted is None
            and claim.has_finalizer
            and not claim.node_name
            and self.pools.is_known
            and self.pools.get(claim.name) is None
            and (setback is None or setback.not_before <= self.clock.now())
        )

    def _nodes(self, claim: Claim, pool: Pool | None) -> tuple[Manifest, ...]:
        return nodes_of(claim, pool, self.store.select(NODE, {labels.AGENT_POOL: claim.name}))

    async def _pods_to_drain(self, claim: Claim) -> tuple[Manifest, ...]:
        """Those on the node of a claim that goes, until the cloud takes the machine away."""
        pool = self.pools.get(claim.name)
        going = pool is not None and pool.state is PoolState.DELETING
        nodes = self._nodes(claim, pool)
        if claim.deleted is None or going or not nodes:
            return ()
        fields = {"spec.nodeName": nodes[0]["metadata"]["name"]}
        return tuple((await self.cluster.list(POD, fields=fields)).items)

    def _rival(self, claim: Claim, pool: Pool | None) -> str:
        """The living claim of the other kind that the pool belongs to, in words."""
        if pool is None or not ownership.is_managed(pool):
            return ""
        uid = pool.tags[ownership.CLAIM_UID]
        for kind in CLAIM_KINDS:
            other = self.store.get(kind, Key("", claim.name))
            if other is not None and uid == other["metadata"]["uid"] != claim.uid:
                return f"{kind} {claim.name}"
        return ""

    def _count_fleet(
        self, claim: Claim, nodes: tuple[Manifest, ...], now: datetime
    ) -> Fleet | None:
        """Counted only for a node that may have to be given up."""
        well = any(map(is_ready, nodes))
        return None if well or not claim.node_name else self._fleet.count(now)

    async def _carry_out(self, observed: Observed, plan: Plan) -> None:
        for action in plan.actions:
            await self._do(observed, action)
        if plan.status is not None:
            await self._claim_writer.show(observed, plan.status)
        if plan.gives_up is not None:
            await self._claim_writer.give_up(observed.claim, plan.gives_up)

    async def _do(self, observed: Observed, action: Action) -> None:
        claim = observed.claim
        match action:
            case AddFinalizer():
                await self._claim_writer.add_finalizer(claim)
            case CreatePool(spec):
                await self._pool_writer.create(spec)
                self.buyer.accepted(spec)
            case DeletePool(name):
                await self._pool_writer.delete(name)
                self._setbacks.pop(claim.name, None)
            case DiscardPool(name):
                await self._pool_writer.discard(claim, name)
            case ConfirmGone(name):
                await self._pool_writer.confirm_gone(claim, name)
            case AskCluster():
                await self.power.ask()
            case PatchNode(name, patch):
                await self.cluster.patch(NODE, name, patch)
            case EvictPod(namespace, name):
                await self._evictor.evict(claim.uid, namespace, name)
            case DeletePod(namespace, name, seconds):
                await self._evictor.delete(namespace, name, seconds)
            case Release(nodes):
                await self._claim_writer.release(observed, nodes)
                self._evictor.forget(claim.uid)
            case Tell(type_, reason, note):
                warning = type_ == "Warning"
                await self.recorder.record(claim.kind.kind, claim.manifest, warning, reason, note)

    async def _tell_refusal(self, claim: Claim, order: PoolSpec, error: CloudError) -> None:
        logger.warning("%s refused: %s: %s", order.instance_type, error.reason, error.message)
        self.metrics.refused(error.reason)
        await self._tell(claim, error)

    async def _set_back(self, observed: Observed, error: CloudError) -> float:
        """Remembers the refusal, shows it, and says when to try again."""
        pause = launch.pause_after(error)
        if isinstance(error, Queued):
            logger.debug("%s; again in %.1f s", error.message, pause)
        else:
            logger.warning("%s: %s; again in %.0f s", error.reason, error.message, pause)
            self.metrics.refused(error.reason)
        claim, until = observed.claim, self.clock.now() + timedelta(seconds=pause)
        self._setbacks[claim.name] = Setback(error, until, deleting=claim.deleted is not None)
        again = await self._observe(claim)
        plan = decide(again)
        if plan.status is not None:
            await self._claim_writer.show(again, plan.status)
        if not isinstance(error, Queued | PoolBusy):
            await self._tell(claim, error)
        return pause

    async def _tell(self, claim: Claim, error: CloudError) -> None:
        kind = claim.kind.kind
        await self.recorder.record(kind, claim.manifest, True, error.reason, error.message)


def _order(plan: Plan) -> PoolSpec | None:
    """The pool that the plan asks the cloud for."""
    return next((action.spec for action in plan.actions if isinstance(action, CreatePool)), None)


def _gpus(pool: Pool | None) -> int:
    """NVIDIA GPUs of the pool's machine, 0 when it has none or is not in the catalogue."""
    sku = catalog.load().find(pool.instance_type) if pool is not None else None
    return sku.gpus.count if sku is not None and sku.gpus.vendor is Vendor.NVIDIA else 0
