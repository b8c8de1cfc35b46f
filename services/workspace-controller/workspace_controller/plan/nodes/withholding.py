"""Withholds the request for nodes: while the data is being checked, or for what they cost."""

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, unknown
from kaito_api.reasons import Reason
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.nodes.sources import SOURCES
from workspace_controller.plan.problem import Problem


def unchecked_nodes(observed: Observed, nodes: NodePlan) -> NodePlan:
    """The same plan without its requests, before the data is checked."""
    type_ = SOURCES[observed.settings.node_provisioner].condition
    reason = Reason.WAITING_FOR_DATA_CHECK
    message = "no node is requested before the data is checked"
    claims = (unknown(type_, reason, message),) if type_ else ()
    return _withheld(nodes, claims, reason, message)


def refused_nodes(observed: Observed, nodes: NodePlan, problem: Problem) -> NodePlan:
    """The same plan without its requests, which would cost too much."""
    type_, message = SOURCES[observed.settings.node_provisioner].condition, str(problem)
    claims = (false(type_, problem.reason, message),) if type_ else ()
    return _withheld(nodes, claims, problem.reason, message)


def _withheld(
    nodes: NodePlan, claims: tuple[Condition, ...], reason: Reason, message: str
) -> NodePlan:
    return NodePlan(
        conditions=(
            *claims,
            false(condition_types.NODES_READY, reason, message),
            false(condition_types.RESOURCE_READY, reason, message),
        ),
        target=nodes.target,
        workers=nodes.workers,
        usable=nodes.usable,
        withheld=True,
    )
