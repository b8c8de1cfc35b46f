"""Remembers, on each replica, how many replicas the demand for each InferenceSet needed."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import ValidationError

from kaito_api.inference_set import Autoscaling, parse
from kaito_kube.clock import Clock
from kaito_kube.kinds import INFERENCE_SET, Key, Manifest, key_of
from kaito_kube.store import Store
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.history import SetDemand, extended
from workspace_controller.inference_sets.plan.autoscaling import needed

logger = logging.getLogger(__name__)
SAMPLE_SECONDS = 5.0
# Two samples may fail to come. What was needed in a longer gap is not known.
_GAP = timedelta(seconds=3 * SAMPLE_SECONDS)


@dataclass(slots=True)
class Recommendations:
    """One sample every five seconds. A replica that becomes the leader has the history already."""

    current: CurrentDemand
    store: Store
    clock: Clock
    _known: dict[Key, SetDemand] = field(default_factory=dict)

    async def run(self) -> None:
        """Samples until it is canceled."""
        while True:
            self.sample()
            await asyncio.sleep(SAMPLE_SECONDS)

    def of(self, key: Key) -> SetDemand:
        """What is known about the demand for a set."""
        return self._known.get(key, SetDemand())

    def sample(self) -> None:
        """Adds what the demand since the last sample needs to each history."""
        self.current.mark()
        self._known = {
            key_of(manifest): self._sampled(key_of(manifest), autoscaling)
            for manifest in self.store.all(INFERENCE_SET)
            if (autoscaling := autoscaling_of(manifest)) is not None
        }

    def _sampled(self, key: Key, autoscaling: Autoscaling) -> SetDemand:
        requests = self.current.requests(str(key))
        if requests is None:
            # Without a sample the history starts over: what nobody counted may have been a lot.
            return SetDemand(None, self.of(key).history)
        keep = max(autoscaling.scale_up_window_seconds, autoscaling.scale_down_window_seconds)
        history = extended(
            self.of(key).history,
            self.clock.now(),
            needed(requests, autoscaling),
            keep=timedelta(seconds=keep),
            gap=_GAP,
        )
        return SetDemand(requests, history)


def autoscaling_of(manifest: Manifest) -> Autoscaling | None:
    """`spec.autoscaling`; None without one, and where the spec is not valid."""
    if "autoscaling" not in (manifest.get("spec") or {}):
        return None
    try:
        return parse(manifest).autoscaling
    except ValidationError:
        return None
