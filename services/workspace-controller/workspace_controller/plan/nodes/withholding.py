"""Withholds the request for nodes while the data is being checked."""

from kaito_api import condition_types
from kaito_api.conditions import false, unknown
from kaito_api.reasons import Reason
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.nodes.sources import SOURCES

_MESSAGE = "no node is requested before the data is checked"


def withheld_nodes(observed: Observed, nodes: NodePlan) -> NodePlan:
    """The same plan without its requests."""
    claims = SOURCES[observed.settings.node_provisioner].condition
    reason = Reason.WAITING_FOR_DATA_CHECK
    return NodePlan(
        conditions=(
            *((unknown(claims, reason, _MESSAGE),) if claims else ()),
            false(condition_types.NODES_READY, reason, _MESSAGE),
            false(condition_types.RESOURCE_READY, reason, _MESSAGE),
        ),
        target=nodes.target,
        workers=nodes.workers,
        usable=nodes.usable,
    )
