"""The decisions about nodes, tuning and serving, from which the status is computed."""

from dataclasses import dataclass

from kaito_api.conditions import Condition
from kaito_presets.sizing import Sizing
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.serving.workload import (
    ServingPlan,
    not_served_condition,
    waiting_for_adapter,
)
from workspace_controller.plan.tuning.check_plan import DataCheckPlan
from workspace_controller.plan.tuning.run import TuningPlan


@dataclass(frozen=True, slots=True)
class Subplans:
    """`check` is None where no data is checked, `tuning` for an inference Workspace, and `serving`
    while nothing is to be served.
    """

    sizing: Sizing
    nodes: NodePlan
    check: DataCheckPlan | None
    tuning: TuningPlan | None
    serving: ServingPlan | None

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """In the order in which they become True."""
        tuning, check = self.tuning, self.check
        checked = (check.condition,) if check is not None and check.condition is not None else ()
        run = (
            (tuning.job_started, tuning.checkpoints, tuning.succeeded) if tuning is not None else ()
        )
        return (*checked, *self.nodes.conditions, *filter(None, run), self._inference_condition)

    @property
    def _inference_condition(self) -> Condition:
        if self.serving is not None:
            return self.serving.condition
        return not_served_condition() if self.done else waiting_for_adapter()

    @property
    def ready(self) -> bool:
        return self.serving is not None and self.serving.condition.is_true

    @property
    def holds_nodes(self) -> bool:
        """Nodes are missing, and may not be requested yet."""
        return self.nodes.withheld or (self.check is not None and self.check.holds_nodes)

    @property
    def done(self) -> bool:
        """The adapter is pushed and nothing is to be served."""
        return self.serving is None and self.tuning is not None and self.tuning.adapter is not None

    @property
    def failed(self) -> bool:
        """A permanent failure occurred in one of them."""
        plans = (self.nodes, self.tuning, self.serving)
        return any(plan is not None and plan.failed for plan in plans)
