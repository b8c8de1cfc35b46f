"""What there is to say about the progress of Workspaces. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import Field

from kaito_api.blocking import blocking_condition
from kaito_api.status import State
from kaito_kube.kinds import Manifest
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.observation import Observation
from kubectl_kaito.output import View
from kubectl_kaito.spending import spending
from kubectl_kaito.startups import phases_of

# These summarize the others.
_SUMMARIES = ("WorkspaceSucceeded", "WorkspaceReady")
_CLAIM_STAGES = ("Launched", "Registered", "Initialized", "Ready")


class WorkspaceRow(View):
    namespace: str
    name: str
    state: str = Field(description="The phase in one word; Unknown before a controller reports it.")
    model: str | None = Field(description="The preset; null for your own pods.")
    instance_type: str | None
    nodes: str | None = Field(description="Ready and desired nodes, for example 1/1.")
    progress: str | None
    eta: str | None
    price_per_hour: float | None = Field(description="Of its nodes; null: unknown or none.")
    idle: bool = Field(description="Its nodes cost money although it failed.")
    age_seconds: float | None


class WorkspaceList(View):
    workspaces: list[WorkspaceRow]
    price_per_hour: float = Field(description="The sum of the known prices.")
    unpriced: int = Field(description="Workspaces with nodes whose price is not known.")


class ConditionView(View):
    type: str
    status: str
    reason: str
    message: str
    seconds: float | None = Field(description="How long it has this status.")


class NodeView(View):
    claim: str
    node: str | None
    instance_type: str | None
    stage: str = Field(description="The last stage that the claim has reached.")
    problem: str | None
    age_seconds: float | None


class RunView(View):
    """The fine-tuning run."""

    state: str | None
    step: int | None
    total_steps: int | None
    loss: float | None
    eval_loss: float | None
    tokens_per_second: float | None
    losses: list[float] = Field(description="As seen by --watch, the newest last.")


class StartView(View):
    """The start of the pod that serves."""

    total_seconds: float | None
    phases: dict[str, float] = Field(description="Seconds by phase, in their order.")
    tokens_per_second: float | None = Field(description="Of one answer alone.")
    peak_tokens_per_minute: float | None = Field(description="Of several answers, all together.")
    peak_memory_gib: float | None


class WorkspaceDetail(View):
    workspace: WorkspaceRow
    blocking: ConditionView | None = Field(description="What keeps it from being ready.")
    conditions: list[ConditionView]
    nodes: list[NodeView]
    tuning: RunView | None
    start: StartView | None
    revision: int | None = Field(description="The recorded configuration that is served.")
    adapter: str | None = Field(description="The pushed adapter, with its digest.")
    estimate: str | None = Field(description="How the number of nodes was computed.")
    cost_so_far: float | None = Field(description="By list prices, as the controller records it.")
    cost_estimated: bool = Field(
        description="The controller records no cost: it is the recorded price of the claims times "
        "their age."
    )
    unread: list[str] = Field(description="Kinds that you may not read.")


def workspace_list(workspaces: Iterable[Manifest], now: datetime) -> WorkspaceList:
    rows = [workspace_row(each, now) for each in workspaces]
    rows.sort(key=lambda row: (row.namespace, row.name))
    return WorkspaceList(
        workspaces=rows,
        price_per_hour=round(sum(row.price_per_hour or 0.0 for row in rows), 4),
        unpriced=sum(row.price_per_hour is None and _has_nodes(row) for row in rows),
    )


def workspace_row(workspace: Manifest, now: datetime) -> WorkspaceRow:
    status, metadata = facts.status_of(workspace), workspace["metadata"]
    price = facts.price_per_hour(workspace)
    state = "Deleting" if metadata.get("deletionTimestamp") else status.get("state")
    return WorkspaceRow(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        state=str(state or "Unknown"),
        model=facts.model_of(workspace),
        instance_type=facts.instance_type_of(workspace),
        nodes=status.get("nodes"),
        progress=status.get("progress"),
        eta=status.get("eta"),
        price_per_hour=price,
        idle=state == State.FAILED and bool(status.get("workerNodes")),
        age_seconds=facts.age_seconds(workspace, now),
    )


def workspace_detail(seen: Observation, losses: Sequence[float] = ()) -> WorkspaceDetail:
    """`losses` are those of earlier looks at the same run."""
    status = facts.status_of(seen.workspace)
    conditions = [_condition(each, seen.now) for each in status.get("conditions") or ()]
    own = [c for c in facts.conditions_of(seen.workspace) if c.type not in _SUMMARIES]
    cause = blocking_condition(own)
    adapter = status.get("adapter") or {}
    row = workspace_row(seen.workspace, seen.now)
    spent = spending(seen.workspace, seen.claims, seen.now)
    return WorkspaceDetail(
        workspace=row,
        blocking=next((c for c in conditions if cause and c.type == cause.type), None),
        conditions=conditions,
        nodes=[_node(claim, seen.now) for claim in seen.claims],
        tuning=_run(status.get("tuning"), losses),
        start=_start(status),
        revision=(status.get("revision") or {}).get("number"),
        adapter=f"{adapter['image']}@{adapter['digest']}" if adapter.get("digest") else None,
        estimate=(status.get("estimate") or {}).get("explanation"),
        cost_so_far=spent.so_far,
        cost_estimated=spent.estimated,
        unread=[kind.plural for kind in seen.unread],
    )


def has_ended(view: WorkspaceDetail) -> bool:
    """Whether nothing more happens unless somebody acts."""
    return view.workspace.state in (State.READY, State.SUCCEEDED, State.FAILED)


def is_failing(view: WorkspaceDetail) -> bool:
    return view.workspace.state == State.FAILED


def loss_of(workspace: Manifest) -> float | None:
    return _number((facts.status_of(workspace).get("tuning") or {}).get("loss"))


def _has_nodes(row: WorkspaceRow) -> bool:
    return bool(row.nodes) and not str(row.nodes).startswith("0/")


def _condition(manifest: Manifest, now: datetime) -> ConditionView:
    return ConditionView(
        type=str(manifest.get("type", "")),
        status=str(manifest.get("status", "")),
        reason=str(manifest.get("reason") or ""),
        message=str(manifest.get("message") or ""),
        seconds=facts.seconds_since(manifest.get("lastTransitionTime"), now),
    )


def _node(claim: Manifest, now: datetime) -> NodeView:
    """A Machine's conditions carry the prefix Machine where a NodeClaim's have none."""
    status = facts.status_of(claim)
    conditions = facts.conditions_of(claim)
    reached = "Requested"
    for stage in _CLAIM_STAGES:
        if any(c.type in (stage, f"Machine{stage}") and c.is_true for c in conditions):
            reached = stage
    failed = next((c for c in conditions if c.status == "False" and c.message), None)
    if claim["metadata"].get("deletionTimestamp"):
        reached = "Deleting"
    return NodeView(
        claim=claim["metadata"]["name"],
        node=status.get("nodeName"),
        instance_type=facts.claimed_type(claim) or None,
        stage=reached,
        problem=f"{failed.reason}: {failed.message}" if failed is not None else None,
        age_seconds=facts.age_seconds(claim, now),
    )


def _run(tuning: Manifest | None, losses: Sequence[float]) -> RunView | None:
    if not tuning:
        return None
    return RunView(
        state=tuning.get("state"),
        step=tuning.get("step"),
        total_steps=tuning.get("totalSteps"),
        loss=_number(tuning.get("loss")),
        eval_loss=_number(tuning.get("evalLoss")),
        tokens_per_second=_number(tuning.get("tokensPerSecond")),
        losses=list(losses),
    )


def _start(status: Manifest) -> StartView | None:
    startup = status.get("startup")
    if not startup:
        return None
    metrics = (status.get("performance") or {}).get("metrics") or {}
    figures = {name: _number(metric.get("value")) for name, metric in metrics.items()}
    memory = figures.get("peakMemory")
    return StartView(
        total_seconds=startup.get("totalSeconds"),
        phases=phases_of(startup),
        tokens_per_second=figures.get("tokensPerSecond"),
        peak_tokens_per_minute=figures.get("peakTokensPerMinute"),
        peak_memory_gib=None if memory is None else round(memory / 2**30, 2),
    )


def _number(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None
