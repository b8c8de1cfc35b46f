"""The nodes of a Workspace: which are used, which are asked for, and what is said of them."""

from dataclasses import dataclass

from kaito_api import labels
from kaito_api.conditions import Condition
from kaito_api.reasons import is_permanent
from kaito_api.workspace import WorkspaceSpec
from workspace_controller.manifests.claims import UNKNOWN_DISK_GIB, NodeNeed
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.conditions import (
    NodeFindings,
    claim_condition,
    node_conditions,
    replaced_claim_failure,
)
from workspace_controller.plan.nodes.selection import (
    is_own_node,
    is_usable,
    reused_nodes,
    why_unusable,
)
from workspace_controller.plan.nodes.sources import SOURCES, requested_nodes
from workspace_controller.plan.placement import instance_type
from workspace_controller.plan.plan import Action, Apply, Create
from workspace_controller.plan.spec import selector_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """`workers` are the names in use, `usable` those of them that can run a pod now."""

    actions: tuple[Action, ...] = ()
    conditions: tuple[Condition, ...]
    target: int
    workers: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()
    failed: bool = False

    @property
    def requests_nodes(self) -> bool:
        """Whether the steps ask for nodes."""
        return any(isinstance(action, Create | Apply) for action in self.actions)

    @property
    def ready(self) -> bool:
        return len(self.usable) >= self.target


def decide_nodes(observed: Observed, spec: WorkspaceSpec, target: int) -> NodePlan:
    """Ready nodes that match come first; for the rest new ones are asked for."""
    source = SOURCES[observed.settings.node_provisioner]
    own = [node for node in observed.nodes if is_own_node(node, observed.owner)]
    reused = reused_nodes(observed, spec, target - requested_nodes(observed.claims))
    actions = source.request(_need(observed, spec, target - len(reused)), observed.claims)
    missing = next(
        (action.kind for action in actions if action.kind in observed.unserved_kinds), None
    )
    workers = sorted([*own, *reused], key=lambda node: str(node["metadata"]["name"]))
    usable = [node for node in workers if is_usable(observed, spec, node)]
    found = NodeFindings(
        reused=len(reused),
        asked=target - len(reused),
        claims=[claim for claim in observed.claims if not claim.deleting],
        missing=missing,
        target=target,
        names=tuple(node["metadata"]["name"] for node in workers),
        usable=tuple(node["metadata"]["name"] for node in usable),
        unready=tuple(why_unusable(observed, spec, node) for node in workers if node not in usable),
        replaced_failure=replaced_claim_failure(observed, source.condition),
    )
    claims = claim_condition(source.condition, found)
    return NodePlan(
        actions=() if missing else actions,
        conditions=node_conditions(claims, found, observed.settings.node_provisioner),
        target=target,
        workers=found.names,
        usable=found.usable,
        failed=claims is not None and not claims.is_true and is_permanent(claims.reason),
    )


def _need(observed: Observed, spec: WorkspaceSpec, count: int) -> NodeNeed:
    return NodeNeed(
        owner=observed.owner,
        count=max(0, count),
        instance_type=instance_type(observed, spec),
        node_labels=selector_labels(spec),
        disk_gib=_disk(observed, spec),
        node_annotations={
            name: observed.annotations[name]
            for name in labels.NODE_ANNOTATIONS
            if observed.annotations.get(name)
        },
        node_class=observed.settings.node_class,
    )


def _disk(observed: Observed, spec: WorkspaceSpec) -> int:
    if observed.preset is None:
        return UNKNOWN_DISK_GIB
    tuning = observed.preset.tuning if spec.tuning is not None else None
    return max(observed.preset.disk_gib, tuning.disk_gib if tuning else 0)
