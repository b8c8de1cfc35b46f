"""Deletes claims that are no longer needed."""

from collections.abc import Sequence

from kaito_api import condition_types
from kaito_api.conditions import false
from kaito_api.reasons import Reason
from kaito_kube.kinds import NODE_POOL
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.nodes.sources import SOURCES
from workspace_controller.plan.plan import Action, Delete


def release(observed: Observed) -> tuple[Action, ...]:
    """Gives back every node that was asked for."""
    return claims_to_delete(observed.claims)


def claims_to_delete(claims: Sequence[Claim]) -> tuple[Delete, ...]:
    """A pool goes before its claims, which would come again otherwise; others go with it."""
    pools = any(claim.kind == NODE_POOL for claim in claims)
    going = [c for c in claims if not c.deleting and not (pools and c.from_pool)]
    return tuple(Delete(claim.kind, claim.name) for claim in going)


def released_nodes(observed: Observed, target: int) -> NodePlan:
    """The nodes of a Workspace whose work is done."""
    message = "the work is done and the nodes were given back"
    types = [SOURCES[observed.settings.node_provisioner].condition]
    types += [condition_types.NODES_READY, condition_types.RESOURCE_READY]
    return NodePlan(
        actions=release(observed),
        conditions=tuple(false(type_, Reason.NODES_RELEASED, message) for type_ in types if type_),
        target=target,
    )
