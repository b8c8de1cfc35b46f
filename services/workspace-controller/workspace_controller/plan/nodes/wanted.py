"""The nodes that a valid Workspace wants, and how it gets them."""

from kaito_api.workspace import WorkspaceSpec
from kaito_presets.sizing import Sizing, SizingFailure
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.provisioning import NodePlan, decide_nodes
from workspace_controller.plan.nodes.release import released_nodes
from workspace_controller.plan.nodes.surplus import without_surplus
from workspace_controller.plan.sizing import sizing
from workspace_controller.plan.spec import serves_tuned_model
from workspace_controller.plan.tuning.adapter import tuned_adapter
from workspace_controller.plan.tuning.job import is_current_job
from workspace_controller.plan.tuning.nodes import tuning_nodes


def wanted_size(observed: Observed, spec: WorkspaceSpec) -> Sizing:
    """The size that was decided when nodes were first requested.

    A later release can estimate differently. It must not request more nodes for what runs. Of a
    tuning run, the Job says how many it has, and the status what it was created by.
    """
    found = sizing(observed, spec)
    if spec.tuning is not None:
        nodes = tuning_nodes(observed, spec, spec.tuning)
        keeps = is_current_job(observed, spec.tuning) and observed.status.get("estimate")
        return Sizing(nodes, None if isinstance(found, SizingFailure) or keeps else found.estimate)
    decided = observed.status.get("targetNodeCount")
    if isinstance(found, SizingFailure):
        return Sizing(decided or 1)
    return Sizing(decided, found.estimate) if decided and observed.started else found


def wanted_nodes(observed: Observed, spec: WorkspaceSpec, size: Sizing) -> NodePlan:
    tuned = spec.tuning is not None and tuned_adapter(observed, spec.tuning) is not None
    if tuned and not serves_tuned_model(observed):
        return released_nodes(observed, size.nodes)
    nodes = decide_nodes(observed, spec, size.nodes)
    return without_surplus(observed, nodes) if tuned else nodes
