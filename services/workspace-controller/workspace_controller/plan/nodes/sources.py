"""Where nodes come from. Each source turns a need and the claims that there are into steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from kaito_api import condition_types
from kaito_kube.kinds import MACHINE, NODE_CLAIM, NODE_POOL, Kind, Manifest
from workspace_controller.manifests.claims import NodeNeed, claim_name, machine, node_claim
from workspace_controller.manifests.claims import node_pool as pool_of
from workspace_controller.observed import Claim
from workspace_controller.plan.plan import Action, Apply, Create
from workspace_controller.settings import NodeProvisioner


class NodeSource(Protocol):
    @property
    def condition(self) -> str | None:
        """The condition that tells of the claims; None where nothing is asked for."""
        ...

    @property
    def kind(self) -> Kind | None:
        """What is asked for; None where nothing is."""
        ...

    def request(self, need: NodeNeed, claims: Sequence[Claim]) -> tuple[Action, ...]:
        """Steps after which `need.count` nodes are asked for. The same need and claims give the
        same steps, and steps that were carried out already change nothing. Claims of every kind
        count: what another source asked for before is not asked for again."""
        ...


class ClaimSource:
    """One object a node, made once under a name that is known beforehand."""

    def __init__(
        self, condition: str, kind: Kind, build: Callable[[NodeNeed, int], Manifest]
    ) -> None:
        self.condition: str | None = condition
        self.kind: Kind | None = kind
        self._kind = kind
        self._build = build

    def request(self, need: NodeNeed, claims: Sequence[Claim]) -> tuple[Action, ...]:
        """A claim that is being deleted keeps its name until it is gone, and so its place."""
        taken = {claim.name for claim in claims}
        missing = need.count - requested_nodes(claims)
        free = [i for i in range(need.count) if claim_name(need.owner, i) not in taken]
        return tuple(Create(self._kind, self._build(need, i)) for i in free[: max(0, missing)])


class NodePoolSource:
    """One NodePool of a fixed size; Karpenter makes the claims."""

    condition: str | None = condition_types.NODE_CLAIM_READY
    kind: Kind | None = NODE_POOL

    def request(self, need: NodeNeed, claims: Sequence[Claim]) -> tuple[Action, ...]:
        """A pool grows and never shrinks: Karpenter would choose which node goes. One that is
        on its way out is waited for."""
        pools = [claim for claim in claims if claim.kind == NODE_POOL]
        size = need.count - requested_nodes([c for c in claims if not (c in pools or c.from_pool)])
        present = max((pool.replicas for pool in pools), default=0)
        if size <= present or any(pool.deleting for pool in pools):
            return ()
        return (Apply(NODE_POOL, pool_of(replace(need, count=size)), known=True),)


class ByoSource:
    """Nodes that others bring along and label. Needs no CRD of Karpenter's."""

    condition: str | None = None
    kind: Kind | None = None

    def request(self, need: NodeNeed, claims: Sequence[Claim]) -> tuple[Action, ...]:
        return ()


def requested_nodes(claims: Sequence[Claim]) -> int:
    """Nodes that claims of any kind stand for. A pool's own claims are among its size."""
    alive = [claim for claim in claims if not claim.deleting]
    single = sum(claim.kind != NODE_POOL and not claim.from_pool for claim in alive)
    return single + sum(claim.replicas for claim in alive if claim.kind == NODE_POOL)


SOURCES: Mapping[NodeProvisioner, NodeSource] = {
    NodeProvisioner.MACHINE: ClaimSource(condition_types.MACHINE_READY, MACHINE, machine),
    NodeProvisioner.NODECLAIM: ClaimSource(
        condition_types.NODE_CLAIM_READY, NODE_CLAIM, node_claim
    ),
    NodeProvisioner.NODEPOOL: NodePoolSource(),
    NodeProvisioner.BYO: ByoSource(),
}
