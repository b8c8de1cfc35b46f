"""One pass over one claim: observe, decide, execute."""

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from gpu_provisioner.agent_pools import marks, ownership
from gpu_provisioner.claims.claim import CLAIM_KINDS, Claim, parse
from gpu_provisioner.cloud.errors import CloudError, LaunchRefused, PoolBusy, Throttled
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.controllers.claim_writer import ClaimWriter
from gpu_provisioner.controllers.executor import Executor
from gpu_provisioner.controllers.mark_repairer import MarkRepairer
from gpu_provisioner.controllers.pool_writer import PoolWriter
from gpu_provisioner.controllers.terminator import Terminator
from gpu_provisioner.lifecycle.decide import decide
from gpu_provisioner.lifecycle.nodes import left_over, nodes_of
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import CreatePool, Plan
from gpu_provisioner.lifecycle.required_reads import (
    needs_node_health,
    needs_pods,
    needs_selection,
)
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.offerings.selector import OfferingSelector
from gpu_provisioner.pool_defaults import PoolDefaults
from gpu_provisioner.settings import Timeouts
from gpu_provisioner.state.cloud_backoffs import CloudBackoffs
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from gpu_provisioner.state.mark_repairs import MarkRepairs
from gpu_provisioner.state.node_health import NodeHealthCache
from gpu_provisioner.state.node_images import NodeImageCache
from gpu_provisioner.state.pool_cache import AgentPoolCache
from kaito_api import labels
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import NODE, POD, Key, Kind, Manifest
from kaito_kube.store import Store
from kaito_skus import catalog
from kaito_skus.sku import Vendor

logger = logging.getLogger(__name__)

_REQUEUE_NOW = -1.0


@dataclass
class Reconciler:
    """`cluster_name` is the AKS cluster's, for the tags of the pools. `verifies_cluster` is whether
    that cluster is compared with the one that has the claims."""

    cluster: Cluster
    cloud: CloudProvider
    store: Store
    pools: AgentPoolCache
    clock: Clock
    recorder: EventRecorder
    metrics: Metrics
    timeouts: Timeouts
    cluster_name: str
    selector: OfferingSelector
    monitor: ClusterMonitor
    images: NodeImageCache
    defaults: PoolDefaults = field(default_factory=PoolDefaults)
    verifies_cluster: bool = True

    def __post_init__(self) -> None:
        self._backoffs = CloudBackoffs()
        self._node_health = NodeHealthCache(self.store)
        self._terminator = Terminator(self.cluster, self.metrics)
        self._claim_writer = ClaimWriter(self.cluster, self.clock, self.metrics)
        pools = PoolWriter(self.cloud, self.cluster, self.pools, self.clock, self.metrics)
        self._mark_repairs = MarkRepairs()
        self._executor = Executor(
            cluster=self.cluster,
            claims=self._claim_writer,
            pools=pools,
            terminator=self._terminator,
            mark_repairer=MarkRepairer(pools, self.cluster_name, self._mark_repairs),
            selector=self.selector,
            monitor=self.monitor,
            backoffs=self._backoffs,
            recorder=self.recorder,
        )

    async def reconcile(self, kind: Kind, key: Key) -> float | None:
        """Reconcile the claim, and return the seconds until the next pass. None waits for a
        change."""
        while (claim := self._claim(kind, key)) is not None:
            requeue_after_seconds = await self._pass(claim)
            if requeue_after_seconds != _REQUEUE_NOW:
                return requeue_after_seconds
        return None

    def _claim(self, kind: Kind, key: Key) -> Claim | None:
        """Return the claim as it is now, if this provisioner serves it."""
        manifest = self.store.get(kind, key)
        if manifest is None:
            self._backoffs.forget(key.name)
            self._mark_repairs.forget(key.name)
            self.selector.forget(key.name)
            return None
        claim = parse(kind, manifest)
        return claim if claim.is_managed else None

    async def _pass(self, claim: Claim) -> float | None:
        observed = await self._observe(claim)
        plan = decide(observed)
        spec = _spec_to_create(plan)
        if spec is not None:
            self.selector.reserve(spec)
        try:
            await self._executor.execute(observed, plan)
        except LaunchRefused as error:
            if spec is None or not self.selector.create_refused(spec, error):
                return await self._back_off(observed, error)
            # Another offering may succeed. This ends, because each refusal leaves fewer of them.
            await self._report_refusal(claim, spec, error)
            return _REQUEUE_NOW
        except CloudError as error:
            return await self._back_off(observed, error)
        is_launched = observed.pool is not None and observed.pool.state is PoolState.SUCCEEDED
        if is_launched and claim.deleted is None:
            self._backoffs.forget(claim.name)
        return plan.requeue_after_seconds

    async def _observe(self, claim: Claim) -> Observed:
        pods = await self._pods_to_drain(claim)
        if self._needs_selection(claim):
            await self.selector.refresh()
        # No await from here until the quota of the selection is reserved: another claim could
        # select the same quota.
        pool, now = self.pools.get(claim.name), self.clock.now()
        named = self._nodes_of_pool(claim.name)
        nodes = nodes_of(claim, pool, named)
        is_own = pool is not None and ownership.belongs_to(pool, claim, nodes)
        if pool is not None and is_own and claim.deleted is None:
            self.selector.observe(pool, joined=bool(nodes))
        elif pool is not None or claim.deleted is not None:
            # Also where the name is taken: no pool is created, and others may have its quota.
            self.selector.forget(claim.name)
        has_problem = needs_node_health(claim, nodes)
        return Observed(
            claim=claim,
            pool=pool,
            listed_at=self.pools.listed_at,
            pool_owner=self._pool_owner(claim, pool),
            nodes=nodes,
            left_over=left_over(claim, named) if pool is None else (),
            pods=pods,
            eviction_errors=self._terminator.eviction_errors(claim.uid),
            gpus=_gpus(pool),
            node_health=self._node_health.summary(now) if has_problem else None,
            newest_image=self.images.newest(pool.image) if pool is not None else "",
            stability=self.monitor.stability,
            backoff=self._backoffs.get(claim.name),
            mark_repair=self._mark_repairs.get(claim.name),
            cluster=self.cluster_name,
            verifies_cluster=self.verifies_cluster,
            timeouts=self.timeouts,
            now=now,
            selection=self.selector.select(claim) if self._needs_selection(claim) else None,
            defaults=self.defaults,
        )

    def _needs_selection(self, claim: Claim) -> bool:
        pool, backoff = self.pools.get(claim.name), self._backoffs.get(claim.name)
        return self.pools.is_synced and needs_selection(claim, pool, backoff, self.clock.now())

    def _nodes_of_pool(self, name: str) -> list[Manifest]:
        return self.store.select(NODE, {labels.AGENT_POOL: name})

    async def _pods_to_drain(self, claim: Claim) -> tuple[Manifest, ...]:
        """Return the pods of all Nodes of the claim, also of one that joins in the meantime."""
        pods: dict[str, Sequence[Manifest]] = {}
        while unread := self._nodes_to_drain(claim) - pods.keys():
            node = min(unread)
            pods[node] = (await self.cluster.list(POD, fields={"spec.nodeName": node})).items
        return tuple(itertools.chain(*pods.values()))

    def _nodes_to_drain(self, claim: Claim) -> set[str]:
        pool = self.pools.get(claim.name)
        nodes = nodes_of(claim, pool, self._nodes_of_pool(claim.name))
        is_needed = needs_pods(claim, pool, nodes)
        return {node["metadata"]["name"] for node in nodes} if is_needed else set()

    def _pool_owner(self, claim: Claim, pool: Pool | None) -> str:
        """Return kind and name of the other living claim that the pool belongs to, or an empty
        text."""
        if pool is None:
            return ""
        uids = {marks.uid_by_label(pool), marks.uid_by_tag(pool)}
        for kind in CLAIM_KINDS:
            other = self.store.get(kind, Key("", claim.name))
            if other is not None and claim.uid != other["metadata"]["uid"] in uids:
                return f"{kind} {claim.name}"
        return ""

    async def _report_refusal(self, claim: Claim, spec: PoolSpec, error: CloudError) -> None:
        logger.warning("%s was refused: %s: %s", spec.instance_type, error.reason, error.message)
        self.metrics.cloud_error(error.reason)
        await self._emit_warning(claim, error)

    async def _back_off(self, observed: Observed, error: CloudError) -> float:
        """Remember and show the error, and return the seconds until the retry."""
        claim, now = observed.claim, self.clock.now()
        is_deleting = claim.deleted is not None
        seconds = self._backoffs.record(claim.name, error, now, deleting=is_deleting)
        if isinstance(error, Throttled):
            logger.debug("%s; retrying in %.1f s", error.message, seconds)
        else:
            logger.warning("%s: %s; retrying in %.0f s", error.reason, error.message, seconds)
            self.metrics.cloud_error(error.reason)
        # Deciding again shows the error in the status. Its actions wait for the retry.
        observed = await self._observe(claim)
        plan = decide(observed)
        if plan.status is not None:
            await self._claim_writer.update_status(observed, plan.status)
        if not isinstance(error, Throttled | PoolBusy):
            await self._emit_warning(claim, error)
        return seconds

    async def _emit_warning(self, claim: Claim, error: CloudError) -> None:
        kind = claim.kind.kind
        await self.recorder.record(kind, claim.manifest, True, error.reason, error.message)


def _spec_to_create(plan: Plan) -> PoolSpec | None:
    return next((action.spec for action in plan.actions if isinstance(action, CreatePool)), None)


def _gpus(pool: Pool | None) -> int:
    """Return the NVIDIA GPUs of the pool's machine, 0 without any or if the catalog lacks it."""
    sku = catalog.load().find(pool.instance_type) if pool is not None else None
    return sku.gpus.count if sku is not None and sku.gpus.vendor is Vendor.NVIDIA else 0
