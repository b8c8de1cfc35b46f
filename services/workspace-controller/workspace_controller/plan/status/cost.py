"""What the nodes of a Workspace have cost: which intervals its status records."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from kaito_api.conditions import rfc3339
from kaito_api.cost import Cost, NodeCost, read_cost, total_so_far, write_cost
from kaito_api.dollars import rounded
from kaito_kube.kinds import NODE_POOL, Manifest
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.nodes.cost import node_quote
from workspace_controller.plan.nodes.spending_workspaces import claimed_type
from workspace_controller.plan.pods.times import parsed
from workspace_controller.plan.serving.start.start_phases import reached

# The intervals are exact at any moment; the total in the status need not follow each second.
_REFRESH = timedelta(hours=1)
# Machines that are gone and still listed, so that a claim that a stale list shows again is known.
_MOST_GONE = 8


def cost_status(observed: Observed) -> Manifest | None:
    """`status.cost`; None where nobody knows a price, and nothing was ever paid."""
    before = observed.status.get("cost") or {}
    quote = node_quote(observed, observed.spec) if observed.spec is not None else None
    source = {"prices": quote.source} if quote is not None else {}
    recorded, now = read_cost(before), _moment(before, observed.now)
    cost = _next(observed, recorded, before, now)
    if not cost.nodes and not cost.settled:
        return dict(source) or None
    if write_cost(cost) == write_cost(recorded) and not _is_due(before, cost, now):
        return {**before, **source}
    total = max(cost.total(now), _last_total(before))
    return {
        **source,
        "total": f"{total:f}",
        "asOf": rfc3339(now),
        "pricePerHour": f"{cost.per_hour:f}",
        **write_cost(cost),
    }


def refresh_seconds(status: Manifest, now: datetime) -> float | None:
    """When the total is due again; None while nothing costs anything."""
    recorded = status.get("cost") or {}
    as_of = parsed(recorded.get("asOf"))
    if as_of is None or not read_cost(recorded).is_running:
        return None
    return max(1.0, (as_of + _REFRESH - now).total_seconds())


def _moment(before: Manifest, now: datetime) -> datetime:
    """Never before the last one: another leader's clock may be behind."""
    whole = now.replace(microsecond=0)
    as_of = parsed(before.get("asOf"))
    return whole if as_of is None else max(whole, as_of)


def _last_total(before: Manifest) -> Decimal:
    as_of = parsed(before.get("asOf"))
    return (total_so_far(before, as_of) if as_of is not None else None) or Decimal(0)


def _is_due(before: Manifest, cost: Cost, now: datetime) -> bool:
    as_of = parsed(before.get("asOf"))
    return as_of is None or (cost.is_running and now - as_of >= _REFRESH)


def _next(observed: Observed, recorded: Cost, before: Manifest, now: datetime) -> Cost:
    """The recorded intervals, with the claims that there are now."""
    present = {
        str(claim.manifest["metadata"].get("uid")): claim
        for claim in observed.claims
        if claim.kind != NODE_POOL
    }
    known = {node.uid for node in recorded.nodes}
    nodes = [
        _continued(observed, node, present[node.uid], now)
        if node.uid in present
        else _ended(node, before, now)
        for node in recorded.nodes
    ]
    new = {uid: claim for uid, claim in present.items() if uid not in known}
    return _settled([*nodes, *_started(observed, new, now)], recorded.settled, now)


def _continued(observed: Observed, node: NodeCost, claim: Claim, now: datetime) -> NodeCost:
    """Another price counts from now on. A recorded one never replaces one of the list: the list
    may only be away."""
    node = replace(node, until=None)
    name, spot = claimed_type(claim.manifest)
    quote = observed.prices.quote(name, spot=spot)
    if quote is None or not quote.listed or rounded(quote.per_hour) == rounded(node.per_hour):
        return node
    return replace(node, per_hour=quote.per_hour, spent=node.dollars(now), since=now)


def _ended(node: NodeCost, before: Manifest, now: datetime) -> NodeCost:
    """Nobody tells when a claim went while no controller ran: then at most an hour is added."""
    if node.until is not None:
        return node
    as_of = parsed(before.get("asOf")) or node.since
    return replace(node, until=max(node.since, min(now, as_of + _REFRESH)))


def _started(observed: Observed, claims: Mapping[str, Claim], now: datetime) -> Iterator[NodeCost]:
    """A machine costs from its launch. A claim that waits for quota does not."""
    for uid, claim in sorted(claims.items()):
        launched = reached(claim.manifest, "Launched")
        name, spot = claimed_type(claim.manifest)
        quote = observed.prices.quote(name, spot=spot)
        if launched is not None and quote is not None:
            yield NodeCost(
                claim=claim.name,
                uid=uid,
                instance_type=name,
                per_hour=quote.per_hour,
                since=min(launched, now),
            )


def _settled(nodes: list[NodeCost], settled: Decimal, now: datetime) -> Cost:
    """The machines that went first are only counted."""
    gone = sorted((n for n in nodes if n.until is not None), key=lambda n: (n.until or now, n.uid))
    folded = {node.uid for node in gone[: max(0, len(gone) - _MOST_GONE)]}
    settled += sum((node.dollars(now) for node in gone if node.uid in folded), Decimal(0))
    return Cost(tuple(node for node in nodes if node.uid not in folded), settled)
