"""What the machines of a Workspace cost and have cost, as its status records it. Pure.

A controller from before `status.cost` records nothing: then it is estimated from the claims that
there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kaito_api.cost import read_cost, total_so_far
from kaito_kube.kinds import Manifest
from kaito_skus import catalog
from kubectl_kaito import workspace_facts as facts

_HOUR_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """US dollars; None is unknown. `prices` says where the recorded ones are from.

    `estimated`: it is the recorded price of the claims times their age. Machines that are gone, and
    prices that have changed, are not part of that.
    """

    nodes: int
    per_hour: float | None
    so_far: float | None
    prices: str | None = None
    estimated: bool = False


def is_recorded(workspace: Manifest) -> bool:
    """Whether the controller records what the Workspace costs."""
    return isinstance(facts.status_of(workspace).get("cost"), dict)


def spending(workspace: Manifest, claims: Sequence[Manifest], now: datetime) -> Spending:
    """`claims` are the Workspace's own; they count only where nothing is recorded."""
    if not is_recorded(workspace):
        return Spending(
            nodes=len(claims),
            per_hour=facts.price_per_hour(workspace),
            so_far=_estimate(claims, now),
            estimated=True,
        )
    recorded = facts.status_of(workspace)["cost"]
    cost = read_cost(recorded)
    running = [node for node in cost.nodes if node.until is None]
    total = total_so_far(recorded, now)
    return Spending(
        nodes=len(running),
        per_hour=float(cost.per_hour),
        # Without a total, no machine has been launched for it.
        so_far=0.0 if total is None else float(total),
        prices=recorded.get("prices"),
    )


def _estimate(claims: Sequence[Manifest], now: datetime) -> float | None:
    """None where there is no claim, or a price is not known."""
    total = 0.0
    for claim in claims:
        sku = catalog.load().find(facts.claimed_type(claim))
        age = facts.age_seconds(claim, now)
        if sku is None or sku.price_usd_hour is None or age is None:
            return None
        total += sku.price_usd_hour * age / _HOUR_SECONDS
    return total if claims else None
