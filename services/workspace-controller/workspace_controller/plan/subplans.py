"""What the parts of a decision have come to, before it is put into words."""

from dataclasses import dataclass

from kaito_api.conditions import Condition
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.serving.workload import (
    ServingPlan,
    not_served_condition,
    waiting_for_adapter,
)
from workspace_controller.plan.sizing import Sizing
from workspace_controller.plan.tuning.run import TuningPlan


@dataclass(frozen=True, slots=True)
class Subplans:
    """`tuning` is None for an inference Workspace; `serving` is None while nothing is served."""

    sizing: Sizing
    nodes: NodePlan
    tuning: TuningPlan | None
    serving: ServingPlan | None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        tuning, serving = self.tuning, self.serving
        run = (tuning.job_started, tuning.succeeded) if tuning is not None else ()
        return (*self.nodes.conditions, *run, serving.condition if serving else self._idle())

    def _idle(self) -> Condition:
        return not_served_condition() if self.work_is_done else waiting_for_adapter()

    @property
    def ready(self) -> bool:
        return self.serving is not None and self.serving.condition.is_true

    @property
    def work_is_done(self) -> bool:
        """The adapter is pushed and nothing is to be served."""
        return self.serving is None and self.tuning is not None and self.tuning.adapter is not None

    @property
    def failed(self) -> bool:
        subplans = (self.nodes, self.tuning, self.serving)
        return any(part is not None and part.failed for part in subplans)
