"""What the nodes of a Workspace have cost, from the intervals that its status records. Pure.

A total follows from the intervals and a moment, so no lost write and no restart makes it wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from kaito_api.conditions import parse_time, rfc3339
from kaito_api.dollars import rounded

_HOUR_SECONDS = Decimal(3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCost:
    """A machine of a claim, from `since` until it is gone; None while it is there.

    `spent` are dollars from before `since`, at other prices.
    """

    claim: str
    uid: str
    instance_type: str
    per_hour: Decimal
    since: datetime
    until: datetime | None = None
    spent: Decimal = Decimal(0)

    def dollars(self, now: datetime) -> Decimal:
        seconds = max(0.0, ((self.until or now) - self.since).total_seconds())
        return self.spent + self.per_hour * Decimal(str(seconds)) / _HOUR_SECONDS


@dataclass(frozen=True, slots=True)
class Cost:
    """`settled` are the dollars of machines that are gone and no longer listed."""

    nodes: tuple[NodeCost, ...] = ()
    settled: Decimal = Decimal(0)

    @property
    def per_hour(self) -> Decimal:
        return rounded(sum((n.per_hour for n in self.nodes if n.until is None), Decimal(0)))

    @property
    def is_running(self) -> bool:
        return any(node.until is None for node in self.nodes)

    def total(self, now: datetime) -> Decimal:
        return rounded(self.settled + sum((n.dollars(now) for n in self.nodes), Decimal(0)))


def read_cost(recorded: Mapping[str, Any]) -> Cost:
    """The intervals of `status.cost`. What nobody but the controller writes is not checked twice:
    an entry that is none is left out."""
    found = (_node(entry) for entry in recorded.get("nodes") or ())
    nodes = tuple(node for node in found if node is not None)
    return Cost(nodes, _amount(recorded.get("settled")) or Decimal(0))


def total_so_far(recorded: Mapping[str, Any], now: datetime) -> Decimal | None:
    """The dollars of `status.cost` at a moment, never less than its total; None without one."""
    total = _amount(recorded.get("total"))
    return None if total is None else max(total, read_cost(recorded).total(now))


def write_cost(cost: Cost) -> dict[str, Any]:
    """The fields of `status.cost` that record the intervals."""
    fields: dict[str, Any] = {"nodes": [_entry(node) for node in cost.nodes]}
    if cost.settled:
        fields["settled"] = f"{rounded(cost.settled):f}"
    return fields


def _node(entry: Mapping[str, Any]) -> NodeCost | None:
    try:
        until = entry.get("until")
        return NodeCost(
            claim=str(entry["claim"]),
            uid=str(entry["uid"]),
            instance_type=str(entry["instanceType"]),
            per_hour=Decimal(entry["pricePerHour"]),
            since=parse_time(entry["since"]),
            until=parse_time(until) if until else None,
            spent=_amount(entry.get("spent")) or Decimal(0),
        )
    except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation):
        return None


def _entry(node: NodeCost) -> dict[str, Any]:
    entry = {
        "claim": node.claim,
        "uid": node.uid,
        "instanceType": node.instance_type,
        "pricePerHour": f"{rounded(node.per_hour):f}",
        "since": rfc3339(node.since),
    }
    if node.until is not None:
        entry["until"] = rfc3339(node.until)
    if node.spent:
        entry["spent"] = f"{rounded(node.spent):f}"
    return entry


def _amount(text: object) -> Decimal | None:
    try:
        return Decimal(text) if isinstance(text, str) else None
    except InvalidOperation:
        return None
