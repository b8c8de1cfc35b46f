"""Releases nodes: deletes the claims that a Workspace does not need any longer."""

from collections.abc import Sequence

from kaito_api import condition_types
from kaito_api.conditions import false
from kaito_api.reasons import Reason
from kaito_kube.kinds import NODE_POOL
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.nodes.sources import SOURCES
from workspace_controller.plan.plan import Delete


def claims_to_delete(claims: Sequence[Claim]) -> tuple[Delete, ...]:
    """Deletes every claim that is not being deleted yet.

    The NodeClaims of a NodePool stay while there is a pool among `claims`: the pool would replace
    them, and deletes them itself when it is deleted.
    """
    has_pool = any(claim.kind == NODE_POOL for claim in claims)
    deletable = [c for c in claims if not c.deleting and not (has_pool and c.from_pool)]
    return tuple(Delete(claim.kind, claim.name) for claim in deletable)


def released_nodes(observed: Observed, target: int) -> NodePlan:
    """The plan for a Workspace that has pushed its adapter and serves nothing."""
    message = "the adapter is pushed and nothing is served, so the requested nodes are released"
    claims = SOURCES[observed.settings.node_provisioner].condition
    types = (claims, condition_types.NODES_READY, condition_types.RESOURCE_READY)
    return NodePlan(
        actions=claims_to_delete(observed.claims),
        conditions=tuple(false(type_, Reason.NODES_RELEASED, message) for type_ in types if type_),
        target=target,
    )
