"""Where nodes come from: each source turns the number of nodes needed into actions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kaito_api import condition_types
from kaito_kube.kinds import MACHINE, NODE_CLAIM, NODE_POOL, Kind, Manifest
from workspace_controller.manifests.claims import (
    NodeNeed,
    claim_name,
    machine,
    node_claim,
    node_pool,
)
from workspace_controller.observed import Claim
from workspace_controller.plan.plan import Action, Apply, Create
from workspace_controller.settings import NodeProvisioner


class NodeSource(Protocol):
    """One way to request nodes."""

    @property
    def condition(self) -> str | None:
        """The condition type that reports the claims; None where nothing is requested."""
        ...

    @property
    def kind(self) -> Kind | None:
        """The kind of object that requests nodes; None where nothing is requested."""
        ...

    def request(self, need: NodeNeed, claims: Sequence[Claim]) -> tuple[Action, ...]:
        """Actions after which `need.count` nodes are requested.

        The same need and claims give the same actions, and executing them twice changes nothing.
        Claims of every kind count, so that another nodeProvisioner does not request them again.
        """
        ...


class ClaimSource:
    """One Machine or NodeClaim for each node, under a name that is known beforehand."""

    def __init__(
        self, condition: str, kind: Kind, build: Callable[[NodeNeed, int], Manifest]
    ) -> None:
        self.condition: str | None = condition
        self.kind: Kind | None = kind
        self._kind = kind
        self._build = build

    def request(self, need: NodeNeed, claims: Sequence[Claim]) -> tuple[Action, ...]:
        """A claim that is being deleted keeps its name, and so its index, until it is gone."""
        taken = {claim.name for claim in claims}
        missing = need.count - requested_nodes(claims)
        free = [i for i in range(need.count) if claim_name(need.owner, i) not in taken]
        return tuple(Create(self._kind, self._build(need, i)) for i in free[: max(0, missing)])


class NodePoolSource:
    """One NodePool with a fixed number of replicas; Karpenter creates the NodeClaims."""

    condition: str | None = condition_types.NODE_CLAIM_READY
    kind: Kind | None = NODE_POOL

    def request(self, need: NodeNeed, claims: Sequence[Claim]) -> tuple[Action, ...]:
        """A pool grows but never shrinks, because Karpenter would choose which node to remove.

        A pool that is being deleted keeps its name until it is gone.
        """
        pools = [claim for claim in claims if claim.kind == NODE_POOL]
        single = [claim for claim in claims if not (claim in pools or claim.from_pool)]
        replicas = need.count - requested_nodes(single)
        present = max((pool.replicas for pool in pools), default=0)
        if replicas <= present or any(pool.deleting for pool in pools):
            return ()
        # The pool's name contains the Workspace's uid: nobody else owns an object of that name.
        manifest = node_pool(replace(need, count=replicas))
        return (Apply(NODE_POOL, manifest, verify_owner=False),)


class ByoSource:
    """Nodes that the user provides and labels. Needs none of Karpenter's CRDs."""

    condition: str | None = None
    kind: Kind | None = None

    def request(self, need: NodeNeed, claims: Sequence[Claim]) -> tuple[Action, ...]:
        return ()


def requested_nodes(claims: Sequence[Claim]) -> int:
    """How many nodes the claims stand for. The NodeClaims of a pool are part of its replicas."""
    active = [claim for claim in claims if not claim.deleting]
    single = sum(claim.kind != NODE_POOL and not claim.from_pool for claim in active)
    return single + sum(claim.replicas for claim in active if claim.kind == NODE_POOL)


SOURCES: Mapping[NodeProvisioner, NodeSource] = {
    NodeProvisioner.MACHINE: ClaimSource(condition_types.MACHINE_READY, MACHINE, machine),
    NodeProvisioner.NODECLAIM: ClaimSource(
        condition_types.NODE_CLAIM_READY, NODE_CLAIM, node_claim
    ),
    NodeProvisioner.NODEPOOL: NodePoolSource(),
    NodeProvisioner.BYO: ByoSource(),
}
