"""Executes the plan for a claim."""

from dataclasses import dataclass

from gpu_provisioner.controllers.claim_writer import ClaimWriter
from gpu_provisioner.controllers.mark_repairer import MarkRepairer
from gpu_provisioner.controllers.pool_writer import PoolWriter
from gpu_provisioner.controllers.terminator import Terminator
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import (
    Action,
    AddFinalizer,
    ConfirmPoolGone,
    CreatePool,
    DeleteFailedPool,
    DeletePod,
    DeletePool,
    EmitEvent,
    EvictPod,
    PatchNode,
    Plan,
    RefreshClusterState,
    RemoveFinalizer,
    RepairMarks,
)
from gpu_provisioner.offerings.selector import OfferingSelector
from gpu_provisioner.offerings.unavailable_offerings import UNAVAILABLE_TTL
from gpu_provisioner.state.cloud_backoffs import CloudBackoffs
from gpu_provisioner.state.cluster_monitor import ClusterMonitor
from kaito_kube.cluster import Cluster
from kaito_kube.events import EventRecorder
from kaito_kube.kinds import NODE


@dataclass(slots=True)
class Executor:
    cluster: Cluster
    claims: ClaimWriter
    pools: PoolWriter
    terminator: Terminator
    mark_repairer: MarkRepairer
    selector: OfferingSelector
    monitor: ClusterMonitor
    backoffs: CloudBackoffs
    recorder: EventRecorder

    async def execute(self, observed: Observed, plan: Plan) -> None:
        """Do the actions in order, then write the status, then delete a disrupted claim.

        Raises:
            CloudError: the cloud refused an action; the rest of the plan is not executed.
            ClusterError: the API server refused an action, likewise.
        """
        for action in plan.actions:
            await self._do(observed, action)
        if plan.status is not None:
            await self.claims.update_status(observed, plan.status)
        if plan.disruption is not None:
            await self.claims.delete(observed.claim, plan.disruption)

    async def _do(self, observed: Observed, action: Action) -> None:
        claim = observed.claim
        match action:
            case AddFinalizer():
                await self.claims.add_finalizer(claim)
            case CreatePool(spec):
                await self.pools.create(spec)
                self.selector.create_accepted(spec)
            case DeletePool(name):
                await self.pools.delete(name)
                self.backoffs.forget(claim.name)
            case DeleteFailedPool(name):
                await self.pools.delete_failed(claim, name)
                self._pause_after_failed_pool(observed)
            case ConfirmPoolGone(name):
                await self.pools.confirm_gone(claim, name)
            case RepairMarks(pool):
                await self.mark_repairer.repair(observed, pool)
            case RefreshClusterState():
                await self.monitor.refresh()
            case PatchNode(name, patch):
                await self.cluster.patch(NODE, name, patch)
            case EvictPod(namespace, name):
                await self.terminator.evict(claim.uid, namespace, name)
            case DeletePod(namespace, name, seconds):
                await self.terminator.delete(namespace, name, seconds)
            case RemoveFinalizer(nodes):
                await self.claims.remove_finalizer(observed, nodes)
                self.terminator.forget(claim.uid)
            case EmitEvent(type_, reason, note):
                warning = type_ == "Warning"
                await self.recorder.record(claim.kind.kind, claim.manifest, warning, reason, note)

    def _pause_after_failed_pool(self, observed: Observed) -> None:
        """Let the next creation wait, unless another offering may succeed at once."""
        error = observed.pool.error if observed.pool is not None else None
        if error is not None and error.reason not in UNAVAILABLE_TTL:
            self.backoffs.record(observed.claim.name, error, observed.now)
