"""Deletes claims that are no longer needed."""

from collections.abc import Sequence

from kaito_api import condition_types
from kaito_api.conditions import false
from kaito_api.reasons import Reason
from kaito_kube.kinds import NODE_POOL
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.node_sources import SOURCES
from workspace_controller.plan.nodes import Nodes
from workspace_controller.plan.plan import Delete, Step


def release(o: Observed) -> tuple[Step, ...]:
    """Gives back every node that was asked for."""
    return given_back(o.claims)


def given_back(claims: Sequence[Claim]) -> tuple[Delete, ...]:
    """A pool goes before its claims, which would come again otherwise; others go with it."""
    pools = any(claim.kind == NODE_POOL for claim in claims)
    going = [c for c in claims if not c.leaving and not (pools and c.of_pool)]
    return tuple(Delete(claim.kind, claim.name) for claim in going)


def released(o: Observed, target: int) -> Nodes:
    """The nodes of a Workspace whose work is done."""
    message = "the work is done and the nodes were given back"
    types = [SOURCES[o.settings.node_provisioner].condition]
    types += [condition_types.NODES_READY, condition_types.RESOURCE_READY]
    return Nodes(
        steps=release(o),
        conditions=tuple(false(type_, Reason.NODES_RELEASED, message) for type_ in types if type_),
        target=target,
    )
