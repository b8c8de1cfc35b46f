"""Whether the nodes that a Workspace requests may be paid for. Nodes that exist never are judged.

The webhook and every pass decide by the same function: the webhook because it is early, and the
pass because the webhook may be down and a price may have risen since.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from kaito_api import labels
from kaito_api.dollars import DOLLARS_REMEDY, format_dollars, parse_dollars, rounded
from kaito_api.reasons import Reason
from kaito_api.workspace import WorkspaceSpec
from kaito_skus.prices import Quote
from workspace_controller.observed import Budget, Observed, SpendingWorkspace
from workspace_controller.plan.nodes.cost import node_quote
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.nodes.sources import requested_nodes
from workspace_controller.plan.placement import instance_type
from workspace_controller.plan.problem import Problem

LIMIT_FIELD = f"metadata.annotations[{labels.MAX_PRICE_PER_HOUR}]"
# A condition's message has room for about this many names.
_MOST_NAMED = 8
_NO_NODE = "no node is requested until then"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """The nodes of the whole Workspace: the `present` ones, and those that it requests."""

    name: str
    nodes: int
    quote: Quote
    present: int
    created: str
    uid: str

    @property
    def price(self) -> Decimal:
        return rounded(self.quote.per_hour * self.nodes)

    def __str__(self) -> str:
        return (
            f"{format_dollars(self.price)} an hour for {self.nodes} {self.name} "
            f"({self.quote.source})"
        )


def limit_problem(observed: Observed) -> str | None:
    """What is wrong with the Workspace's own limit; None where it is fine, or missing."""
    text = observed.annotations.get(labels.MAX_PRICE_PER_HOUR)
    return None if text is None or parse_dollars(text) is not None else _no_amount(text)


def spending_problem(observed: Observed, spec: WorkspaceSpec, nodes: NodePlan) -> Problem | None:
    """Why the nodes may not be requested; None where none is, and where nothing limits them."""
    limit, budget = _limit(observed), observed.budget
    if not nodes.requests_nodes or (limit is None and budget is None):
        return None
    name, quote = instance_type(observed, spec), node_quote(observed, spec)
    if quote is None:
        field = LIMIT_FIELD if limit is not None else f"Namespace {observed.owner.namespace}"
        message = (
            f"the price of {name} is not known, so no limit can be kept: choose another "
            f"resource.instanceType, or remove the limit; {_NO_NODE}"
        )
        return Problem(Reason.PRICE_UNKNOWN, field, message)
    metadata = observed.workspace["metadata"]
    need = _Need(
        name=name,
        nodes=nodes.target,
        quote=quote,
        present=requested_nodes(observed.claims),
        created=str(metadata.get("creationTimestamp")),
        uid=str(metadata["uid"]),
    )
    return _over_limit(limit, need) or _over_budget(observed, budget, need)


def _over_limit(limit: Decimal | None, need: _Need) -> Problem | None:
    if limit is None or need.price <= limit:
        return None
    message = (
        f"{format_dollars(limit)} an hour is less than {need}: raise it, or choose a cheaper "
        f"resource.instanceType; {_NO_NODE}"
    )
    return Problem(Reason.PRICE_OVER_LIMIT, LIMIT_FIELD, message)


def _over_budget(observed: Observed, budget: Budget | None, need: _Need) -> Problem | None:
    for field, text in _limits(budget).items():
        limit = parse_dollars(text)
        if limit is None:
            message = f"{_no_amount(text)}; {_NO_NODE}"
            return Problem(Reason.BUDGET_INVALID, _budget_field(observed, field), message)
        spent = list(_spent(budget.others if budget is not None else (), limit, need))
        total = sum((price for _, price in spent), need.price)
        if total > limit:
            message = _sum_message(limit, need, spent, total)
            return Problem(Reason.BUDGET_EXCEEDED, _budget_field(observed, field), message)
    return None


def _spent(
    others: tuple[SpendingWorkspace, ...], limit: Decimal, need: _Need
) -> Iterator[tuple[str, Decimal]]:
    """What others take of the limit: their nodes, and the nodes of those whose turn is before.

    Those that have nodes come first, then the oldest. Who does not fit lets the next one pass.
    """
    total = rounded(need.quote.per_hour * need.present)
    for other in others:
        if other.nodes_price:
            total += other.nodes_price
            yield other.name, other.nodes_price
    own_turn = (need.present == 0, need.created, need.uid)
    for other in sorted(others, key=_turn):
        is_before = other.missing_price and _turn(other) < own_turn
        if is_before and total + other.missing_price <= limit:
            total += other.missing_price
            yield other.name, other.missing_price


def _turn(other: SpendingWorkspace) -> tuple[bool, str, str]:
    return (other.nodes == 0, other.created, other.uid)


def _sum_message(
    limit: Decimal, need: _Need, spent: list[tuple[str, Decimal]], total: Decimal
) -> str:
    parts = [f"{name} {format_dollars(price)}" for name, price in spent[:_MOST_NAMED]]
    if len(spent) > _MOST_NAMED:
        rest = sum((price for _, price in spent[_MOST_NAMED:]), Decimal(0))
        parts.append(f"{len(spent) - _MOST_NAMED} others {format_dollars(rest)}")
    listed = f" (now {', '.join(parts)})" if parts else ""
    return (
        f"{format_dollars(limit)} an hour is less than {format_dollars(total)}, the sum with this "
        f"Workspace{listed}, which is {need}: delete a Workspace, choose a cheaper "
        f"resource.instanceType, or raise the limit; {_NO_NODE}"
    )


def _limit(observed: Observed) -> Decimal | None:
    """The Workspace's own limit. One that is no amount has been reported before this."""
    return parse_dollars(observed.annotations.get(labels.MAX_PRICE_PER_HOUR, ""))


def _limits(budget: Budget | None) -> dict[str, str]:
    return dict(budget.limits) if budget is not None else {}


def _budget_field(observed: Observed, field: str) -> str:
    return f"Namespace {observed.owner.namespace}, {field}"


def _no_amount(text: str) -> str:
    return f"{text!r} is no amount: {DOLLARS_REMEDY}"
