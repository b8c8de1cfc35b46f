"""One pass over one Workspace: observe, decide, execute.

Level-triggered: a pass does not know which event requested it.
"""

import logging
import time
from dataclasses import dataclass, replace

from kaito_kube.errors import NotFound
from kaito_kube.kinds import WORKSPACE, Key, key_of
from workspace_controller.executor import ActionRefused, Executor
from workspace_controller.metrics import Metrics
from workspace_controller.observed import Observed
from workspace_controller.observer import Observer
from workspace_controller.plan.decide import decide
from workspace_controller.plan.orphans import decide_absence
from workspace_controller.plan.plan import Plan

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciler:
    observer: Observer
    executor: Executor
    metrics: Metrics

    async def reconcile(self, key: Key) -> float | None:
        """One pass. Returns the seconds until the next one, or None to wait for a change.

        Raises:
            ClusterError: the pass failed and has to be retried.
        """
        started = time.monotonic()
        try:
            return await self._pass(key)
        except Exception:
            self.metrics.errors.inc()
            raise
        finally:
            self.metrics.duration.observe(time.monotonic() - started)

    async def _pass(self, key: Key) -> float | None:
        workspace = self.observer.store.get(WORKSPACE, key)
        if workspace is None:
            await self._reconcile_absence(key)
            return None
        observed = await self.observer.observe(workspace)
        plan = decide(observed)
        reservations, rollout = self.observer.reservations, self.observer.rollout
        self.observer.budgets.decided(key, plan.requested_nodes, observed.now)
        with reservations.reserve(key, plan.worker_nodes), rollout.turn(key, plan.turn):
            return await self._execute(observed, plan)

    async def _execute(self, observed: Observed, plan: Plan) -> float | None:
        store, workspace = self.observer.store, observed.workspace
        try:
            after = await self.executor.execute(workspace, plan)
        except NotFound:
            # The Workspace was deleted during the pass. Its watch reports that too, but later.
            store.remove(WORKSPACE, key_of(workspace))
            return None
        except ActionRefused as refused:
            self.observer.rollout.give_back(key_of(workspace))
            report = decide(replace(observed, refusal=refused.refusal))
            await self.executor.write_status(workspace, report.status, report.events)
            raise
        if plan.finalizer != "remove":
            # The next pass must not decide from the status before this one.
            store.upsert(WORKSPACE, after)
        return plan.requeue_after_seconds

    async def _reconcile_absence(self, key: Key) -> None:
        for action in decide_absence(await self.observer.observe_absence(key)):
            await self.executor.delete(action)
