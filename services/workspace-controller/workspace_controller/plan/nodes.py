"""The nodes of a Workspace: which are used, which are asked for, and what is said of them."""

from dataclasses import dataclass

from kaito_api import labels
from kaito_api.conditions import Condition
from kaito_api.reasons import is_permanent
from kaito_api.workspace import WorkspaceSpec
from workspace_controller.manifests.claims import UNKNOWN_DISK_GIB, NodeNeed
from workspace_controller.observed import Observed
from workspace_controller.plan.node_conditions import (
    NodeFindings,
    claim_condition,
    given_up_failure,
    node_conditions,
)
from workspace_controller.plan.node_selection import is_own, is_usable, reused_nodes, why_unusable
from workspace_controller.plan.node_sources import SOURCES, asked_for
from workspace_controller.plan.placement import instance_type
from workspace_controller.plan.plan import Apply, Create, Step
from workspace_controller.plan.spec import selector_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """`workers` are the names in use, `usable` those of them that can run a pod now."""

    steps: tuple[Step, ...] = ()
    conditions: tuple[Condition, ...]
    target: int
    workers: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()
    failed: bool = False

    @property
    def asks(self) -> bool:
        """Whether the steps ask for nodes."""
        return any(isinstance(step, Create | Apply) for step in self.steps)

    @property
    def ready(self) -> bool:
        return len(self.usable) >= self.target


def decide_nodes(o: Observed, spec: WorkspaceSpec, target: int) -> Nodes:
    """Ready nodes that match come first; for the rest new ones are asked for."""
    source = SOURCES[o.settings.node_provisioner]
    own = [node for node in o.nodes if is_own(node, o.owner)]
    reused = reused_nodes(o, spec, target - asked_for(o.claims))
    steps = source.ask(_need(o, spec, target - len(reused)), o.claims)
    missing = next((step.kind for step in steps if step.kind in o.unknown_kinds), None)
    workers = sorted([*own, *reused], key=lambda node: str(node["metadata"]["name"]))
    usable = [node for node in workers if is_usable(o, spec, node)]
    found = NodeFindings(
        reused=len(reused),
        asked=target - len(reused),
        claims=[claim for claim in o.claims if not claim.leaving],
        missing=missing,
        target=target,
        names=tuple(node["metadata"]["name"] for node in workers),
        usable=tuple(node["metadata"]["name"] for node in usable),
        unready=tuple(why_unusable(o, spec, node) for node in workers if node not in usable),
        given_up=given_up_failure(o, source.condition),
    )
    claims = claim_condition(source.condition, found)
    return Nodes(
        steps=() if missing else steps,
        conditions=node_conditions(claims, found, o.settings.node_provisioner),
        target=target,
        workers=found.names,
        usable=found.usable,
        failed=claims is not None and not claims.is_true and is_permanent(claims.reason),
    )


def _need(o: Observed, spec: WorkspaceSpec, count: int) -> NodeNeed:
    return NodeNeed(
        owner=o.owner,
        count=max(0, count),
        instance_type=instance_type(o, spec),
        node_labels=selector_labels(spec),
        disk_gib=_disk(o, spec),
        node_annotations={
            name: o.annotations[name] for name in labels.NODE_ANNOTATIONS if o.annotations.get(name)
        },
        node_class=o.settings.node_class,
    )


def _disk(o: Observed, spec: WorkspaceSpec) -> int:
    if o.preset is None:
        return UNKNOWN_DISK_GIB
    tuning = o.preset.tuning if spec.tuning is not None else None
    return max(o.preset.disk_gib, tuning.disk_gib if tuning else 0)
