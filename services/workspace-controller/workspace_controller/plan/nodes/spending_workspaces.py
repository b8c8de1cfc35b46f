"""What another Workspace of a namespace spends, and what it waits for. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from kaito_api import condition_types, labels
from kaito_api.conditions import find
from kaito_api.dollars import rounded
from kaito_api.reasons import Reason
from kaito_kube.kinds import NODE_POOL, Manifest, is_being_deleted, labels_of
from kaito_skus.prices import PriceBook
from workspace_controller.observed import Claim, SpendingWorkspace

_SPOT = "spot"
# An instance type, and whether it is a spot machine.
_Type = tuple[str, bool]


def spending_workspace(
    name: str,
    workspace: Manifest | None,
    claims: Sequence[Claim],
    granted: int,
    prices: PriceBook,
) -> SpendingWorkspace:
    """`workspace` is None where only its claims are left. `granted` nodes were requested by a pass
    whose claims the store may not show yet.
    """
    present = _nodes(claims)
    own, wanted = _type_of(workspace), _wanted_nodes(workspace)
    nodes = max(present.total(), granted)
    paid = present + Counter({own: max(0, granted - present.total())})
    missing = Counter[_Type]()
    if workspace is not None and _is_waiting(workspace, present.total()):
        used = (workspace.get("status") or {}).get("workerNodes") or ()
        missing[own] = max(0, wanted - max(nodes, len(used)))
    metadata = (workspace or {}).get("metadata") or {}
    quotes = {type_: prices.quote(type_[0], spot=type_[1]) for type_ in (paid + missing)}
    per_hour = {type_: quote.per_hour for type_, quote in quotes.items() if quote is not None}
    return SpendingWorkspace(
        name=name,
        created=str(metadata.get("creationTimestamp")),
        uid=str(metadata.get("uid")),
        nodes=nodes,
        nodes_price=_sum(paid, per_hour),
        missing_price=_sum(missing, per_hour),
    )


def claimed_type(claim: Manifest) -> _Type:
    """The instance type that a claim or a NodePool requests, and whether it is a spot machine."""
    spec = claim.get("spec") or {}
    template = (spec.get("template") or {}).get("spec") or spec
    own = labels_of(claim)
    wanted = {
        str(each.get("key")): str((each.get("values") or [""])[0])
        for each in template.get("requirements") or ()
    }
    name = wanted.get(labels.INSTANCE_TYPE) or own.get(labels.INSTANCE_TYPE, "")
    spot = own.get(labels.CAPACITY_TYPE) or wanted.get(labels.CAPACITY_TYPE)
    return name, spot == _SPOT


def _nodes(claims: Sequence[Claim]) -> Counter[_Type]:
    """The nodes that the claims stand for, those that are being deleted included: they cost.

    The NodeClaims of a NodePool are part of its replicas, and can be more while it replaces some.
    """
    pools = [claim for claim in claims if claim.kind == NODE_POOL]
    of_pools = Counter(claimed_type(c.manifest) for c in claims if c.from_pool)
    replicas = Counter[_Type]()
    for pool in pools:
        replicas[claimed_type(pool.manifest)] += pool.replicas
    single = (c for c in claims if c.kind != NODE_POOL and not c.from_pool)
    return Counter(claimed_type(c.manifest) for c in single) + (replicas | of_pools)


def _is_waiting(workspace: Manifest, nodes: int) -> bool:
    """Whether it may request nodes as soon as it may: it has some already, waits for the budget,
    or has not been looked at. Who waits for anything else keeps nothing from others.
    """
    if is_being_deleted(workspace):
        return False
    conditions = (workspace.get("status") or {}).get("conditions") or ()
    resource = find(conditions, condition_types.RESOURCE_READY) or {}
    return bool(nodes) or not conditions or resource.get("reason") == Reason.BUDGET_EXCEEDED


def _wanted_nodes(workspace: Manifest | None) -> int:
    """As it was decided. Before the first pass nobody knows how many a preset needs."""
    given = workspace or {}
    decided = (given.get("status") or {}).get("targetNodeCount")
    named = 1
    if (given.get("inference") or {}).get("template") is not None:
        named = (given.get("resource") or {}).get("count") or 1
    return int(decided or named)


def _type_of(workspace: Manifest | None) -> _Type:
    resource = (workspace or {}).get("resource") or {}
    selected = (resource.get("labelSelector") or {}).get("matchLabels") or {}
    spot = selected.get(labels.CAPACITY_TYPE) == _SPOT
    return str(resource.get("instanceType") or ""), spot


def _sum(nodes: Counter[_Type], per_hour: Mapping[_Type, Decimal]) -> Decimal:
    known: Iterator[Decimal] = (
        per_hour[type_] * count for type_, count in nodes.items() if type_ in per_hour
    )
    return rounded(sum(known, Decimal(0)))
