"""What Workspaces cost. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import Field

from kaito_api import labels
from kaito_kube.kinds import Manifest, labels_of
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.output import View
from kubectl_kaito.status.view import workspace_row


class CostRow(View):
    namespace: str
    name: str
    state: str
    instance_type: str | None
    nodes: int = Field(description="Machines that are claimed now.")
    price_per_hour: float | None
    cost_so_far: float | None = Field(description="Recorded price of these times their age.")
    idle: bool = Field(description="Its nodes cost money although it failed.")


class CostView(View):
    workspaces: list[CostRow]
    price_per_hour: float = Field(description="The sum of the known prices.")
    cost_so_far: float = Field(description="The sum of the known costs.")


def cost(workspaces: Iterable[Manifest], claims: Iterable[Manifest], now: datetime) -> CostView:
    """The most expensive Workspace first."""
    by_owner: dict[tuple[str, str], dict[str, Manifest]] = {}
    for claim in claims:
        own = labels_of(claim)
        key = own.get(labels.WORKSPACE_NAMESPACE, ""), own.get(labels.WORKSPACE, "")
        by_owner.setdefault(key, {})[claim["metadata"]["name"]] = claim
    rows = [_row(each, by_owner, now) for each in workspaces]
    rows.sort(key=lambda row: (-(row.price_per_hour or 0.0), row.namespace, row.name))
    return CostView(
        workspaces=rows,
        price_per_hour=round(sum(row.price_per_hour or 0.0 for row in rows), 4),
        cost_so_far=round(sum(row.cost_so_far or 0.0 for row in rows), 4),
    )


def _row(
    workspace: Manifest, claims: Mapping[tuple[str, str], Mapping[str, Manifest]], now: datetime
) -> CostRow:
    row = workspace_row(workspace, now)
    own = claims.get((row.namespace, row.name), {})
    spent = facts.cost_so_far(own, now)
    return CostRow(
        namespace=row.namespace,
        name=row.name,
        state=row.state,
        instance_type=row.instance_type,
        nodes=len(own),
        price_per_hour=row.price_per_hour,
        cost_so_far=None if spent is None else round(spent, 4),
        idle=row.idle,
    )
