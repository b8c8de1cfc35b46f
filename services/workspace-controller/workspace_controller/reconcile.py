"""One pass over one Workspace: observe, decide, carry out.

Level-triggered: a pass does not know why it was asked for.
"""

import logging
import time
from dataclasses import dataclass, replace

from kaito_kube.errors import NotFound
from kaito_kube.kinds import WORKSPACE, Key, key_of
from workspace_controller.carry_out import Hand, Refused
from workspace_controller.metrics import Metrics
from workspace_controller.observe import Observer
from workspace_controller.observed import Observed
from workspace_controller.plan.decide import decide
from workspace_controller.plan.orphans import decide_absence
from workspace_controller.plan.plan import Plan

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reconciler:
    observer: Observer
    hand: Hand
    metrics: Metrics

    async def reconcile(self, key: Key) -> float | None:
        """Returns the seconds after which to look again.

        Raises:
            ClusterError: the pass failed and is to be retried.
        """
        began = time.monotonic()
        try:
            return await self._pass(key)
        except Exception:
            self.metrics.errors.inc()
            raise
        finally:
            self.metrics.duration.observe(time.monotonic() - began)

    async def _pass(self, key: Key) -> float | None:
        workspace = self.observer.store.get(WORKSPACE, key)
        if workspace is None:
            await self._reconcile_absence(key)
            return None
        observed = await self.observer.observe(workspace)
        plan = decide(observed)
        with self.observer.holdings.deciding(key, plan.takes):
            return await self._carry_out(observed, plan)

    async def _carry_out(self, observed: Observed, plan: Plan) -> float | None:
        store, workspace = self.observer.store, observed.workspace
        try:
            after = await self.hand.carry_out(workspace, plan)
        except NotFound:
            store.remove(WORKSPACE, key_of(workspace))
            return None
        except Refused as refused:
            told = decide(replace(observed, refusal=refused.refusal))
            await self.hand.tell(workspace, told.status, told.events)
            raise
        if plan.finalizer != "remove":
            store.upsert(WORKSPACE, after)
        return plan.requeue_after

    async def _reconcile_absence(self, key: Key) -> None:
        for step in decide_absence(await self.observer.observe_absence(key)):
            await self.hand.delete(step.kind, step.name)
