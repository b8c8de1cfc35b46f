"""The status field `spot`: what spot nodes have saved so far."""

from datetime import timedelta
from decimal import Decimal

from kaito_api.conditions import parse_time, rfc3339
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.cost import on_spot, spot_saving
from workspace_controller.plan.nodes.provisioning import NodePlan

# A status that changed with every pass would be written with every pass.
_COUNTED_EVERY = timedelta(minutes=1)
_HOUR = timedelta(hours=1)


def spot_status(observed: Observed, nodes: NodePlan) -> Manifest | None:
    """Counts the time since it was last counted, for the nodes that were ready then.

    An evicted node and the wait for its successor count nothing.
    """
    before: Manifest | None = observed.status.get("spot")
    if observed.spec is None or not on_spot(observed.spec):
        return before
    saving = spot_saving(observed, observed.spec)
    ready = len(nodes.usable)
    if saving is None or (before is None and not ready):
        return before
    hours, saved, counted = Decimal(0), Decimal(0), 0
    if before is not None:
        elapsed = observed.now - parse_time(before["countedUntil"])
        counted = before["nodes"]
        if counted == ready and (not counted or elapsed < _COUNTED_EVERY):
            return before
        hours = Decimal(counted) * Decimal(str(max(0.0, elapsed / _HOUR)))
        saved = Decimal(before["saved"])
    return {
        "saved": f"{saved + hours * saving:.4f}",
        "nodeHours": f"{Decimal((before or {}).get('nodeHours', '0')) + hours:.4f}",
        "nodes": ready,
        "countedUntil": rfc3339(observed.now),
    }
