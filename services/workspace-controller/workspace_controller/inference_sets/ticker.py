"""Has those InferenceSets reconciled whose number of replicas the demand changes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from kaito_api import condition_types
from kaito_api.conditions import find
from kaito_kube.kinds import INFERENCE_SET, Key, Manifest, key_of
from kaito_kube.store import Store
from workspace_controller.demand.recommendations import SAMPLE_SECONDS, autoscaling_of
from workspace_controller.inference_sets.observer import SetObserver
from workspace_controller.inference_sets.plan.decide import decide


@dataclass(frozen=True, slots=True)
class ScalingTicker:
    """Decides from the store alone, so that nothing is asked while nothing changes. The pass that
    follows decides again."""

    store: Store
    observer: SetObserver
    enqueue: Callable[[Key], None]

    async def run(self) -> None:
        """Looks until it is canceled. The leader runs it."""
        while True:
            self.look()
            await asyncio.sleep(SAMPLE_SECONDS)

    def look(self) -> None:
        for manifest in self.store.all(INFERENCE_SET):
            if autoscaling_of(manifest) is not None and self._is_due(manifest):
                self.enqueue(key_of(manifest))

    def _is_due(self, manifest: Manifest) -> bool:
        try:
            return self._changes(manifest)
        except Exception:
            # The pass fails in the same way, which is logged and tried again with growing pauses.
            # Here it would end the controller, and with it what all other sets need.
            return True

    def _changes(self, manifest: Manifest) -> bool:
        plan = decide(self.observer.observe_stored(manifest))
        if plan.status is None:
            return False
        return plan.scale is not None or _reported(plan.status) != _reported(
            manifest.get("status") or {}
        )


def _reported(status: Manifest) -> tuple[object, object]:
    conditions = status.get("conditions") or ()
    found = find(conditions, condition_types.AUTOSCALING_ACTIVE) or {}
    return found.get("status"), found.get("reason")
