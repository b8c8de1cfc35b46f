"""What Workspaces cost, and the InferenceSets that they are replicas of. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pydantic import Field

from kaito_api import labels
from kaito_kube.kinds import Manifest, labels_of
from kubectl_kaito.output import View
from kubectl_kaito.spending import spending
from kubectl_kaito.status.view import workspace_row


class CostRow(View):
    namespace: str
    name: str
    inference_set: str | None = Field(description="The InferenceSet that it is a replica of.")
    state: str
    instance_type: str | None
    nodes: int = Field(description="Machines that are paid for now.")
    price_per_hour: float | None
    cost_so_far: float | None
    estimated: bool = Field(
        description="The controller does not record the cost: it is the recorded price of the "
        "claims that there are, times their age."
    )
    prices: str | None = Field(description="Where the price is from, and of when.")
    idle: bool = Field(description="Its nodes cost money although it failed.")


class SetRow(View):
    """The replicas that an InferenceSet has now, together."""

    namespace: str
    name: str
    replicas: int
    nodes: int
    price_per_hour: float = Field(description="The sum of the known prices.")
    cost_so_far: float = Field(description="The sum of the known costs.")


class CostView(View):
    inference_sets: list[SetRow]
    workspaces: list[CostRow] = Field(description="Replicas are beside each other.")
    price_per_hour: float = Field(description="The sum of the known prices.")
    cost_so_far: float = Field(description="The sum of the known costs.")
    estimated: int = Field(description="Workspaces whose cost is not recorded.")


def cost(workspaces: Iterable[Manifest], claims: Iterable[Manifest], now: datetime) -> CostView:
    """The most expensive first: an InferenceSet with its replicas, or a Workspace of its own."""
    by_owner: dict[tuple[str, str], list[Manifest]] = {}
    for claim in claims:
        own = labels_of(claim)
        key = own.get(labels.WORKSPACE_NAMESPACE, ""), own.get(labels.WORKSPACE, "")
        by_owner.setdefault(key, []).append(claim)
    rows = [_row(each, by_owner, now) for each in workspaces]
    groups: dict[tuple[str, str, bool], list[CostRow]] = {}
    for row in rows:
        name = row.inference_set or row.name
        groups.setdefault((row.namespace, name, row.inference_set is not None), []).append(row)
    dearest = sorted(groups, key=lambda key: (-_per_hour(groups[key]), key))
    for members in groups.values():
        members.sort(key=lambda row: (-(row.price_per_hour or 0.0), row.name))
    return CostView(
        inference_sets=[
            _set_row(namespace, name, groups[namespace, name, is_set])
            for namespace, name, is_set in dearest
            if is_set
        ],
        workspaces=[row for key in dearest for row in groups[key]],
        price_per_hour=_per_hour(rows),
        cost_so_far=_so_far(rows),
        estimated=sum(row.estimated for row in rows),
    )


def _row(
    workspace: Manifest, claims: Mapping[tuple[str, str], Sequence[Manifest]], now: datetime
) -> CostRow:
    row = workspace_row(workspace, now)
    spent = spending(workspace, claims.get((row.namespace, row.name), ()), now)
    return CostRow(
        namespace=row.namespace,
        name=row.name,
        inference_set=labels_of(workspace).get(labels.CREATED_BY_SET),
        state=row.state,
        instance_type=row.instance_type,
        nodes=spent.nodes,
        price_per_hour=spent.per_hour,
        cost_so_far=None if spent.so_far is None else round(spent.so_far, 4),
        estimated=spent.estimated,
        prices=spent.prices,
        idle=row.idle,
    )


def _set_row(namespace: str, name: str, replicas: Sequence[CostRow]) -> SetRow:
    return SetRow(
        namespace=namespace,
        name=name,
        replicas=len(replicas),
        nodes=sum(row.nodes for row in replicas),
        price_per_hour=_per_hour(replicas),
        cost_so_far=_so_far(replicas),
    )


def _per_hour(rows: Iterable[CostRow]) -> float:
    return round(sum(row.price_per_hour or 0.0 for row in rows), 4)


def _so_far(rows: Iterable[CostRow]) -> float:
    return round(sum(row.cost_so_far or 0.0 for row in rows), 4)
