"""One pass over one InferenceSet: observe, decide, execute.

Level-triggered: a pass does not know which event requested it.
"""

from dataclasses import dataclass, replace

from kaito_kube.errors import NotFound
from kaito_kube.kinds import INFERENCE_SET, Key, key_of
from workspace_controller.executor import ActionRefused
from workspace_controller.inference_sets.executor import SetExecutor
from workspace_controller.inference_sets.observer import SetObserver
from workspace_controller.inference_sets.plan.decide import decide
from workspace_controller.inference_sets.plan.observed import ObservedSet
from workspace_controller.inference_sets.plan.plan import SetPlan
from workspace_controller.metrics import Metrics


@dataclass(frozen=True, slots=True)
class SetReconciler:
    observer: SetObserver
    executor: SetExecutor
    metrics: Metrics

    async def reconcile(self, key: Key) -> float | None:
        """One pass. Returns the seconds until the next one, or None to wait for a change.

        Raises:
            ClusterError: the pass failed and has to be retried.
        """
        try:
            return await self._pass(key)
        except Exception:
            self.metrics.errors.inc()
            raise

    async def _pass(self, key: Key) -> float | None:
        manifest = self.observer.store.get(INFERENCE_SET, key)
        if manifest is None:
            return None
        observed: ObservedSet | None = await self.observer.observe(manifest)
        assert observed is not None
        plan = decide(observed)
        if plan.changes_workspaces:
            observed = await self.observer.observe_now(key)
            if observed is None:
                return None
            plan = await self._decide_now(observed)
        await self._execute(observed, plan)
        return plan.requeue_after_seconds

    async def _decide_now(self, observed: ObservedSet) -> SetPlan:
        """Which of the replicas is idle matters only when one of them is to go."""
        plan = decide(observed)
        if not plan.deletes:
            return plan
        requests = await self.observer.requests(observed)
        return decide(replace(observed, requests=requests))

    async def _execute(self, observed: ObservedSet, plan: SetPlan) -> None:
        try:
            await self.executor.execute(observed.manifest, plan)
        except NotFound:
            # Deleted while the pass ran. Its status was all that was left to write.
            if self.observer.store.get(INFERENCE_SET, key_of(observed.manifest)) is not None:
                raise
        except ActionRefused as error:
            reported = decide(replace(observed, refusal=error.refusal))
            await self.executor.write_status(observed.manifest, reported.status, reported.events)
            raise
