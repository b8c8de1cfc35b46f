"""Decides which nodes a Workspace uses and which it requests."""

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
    rejected_nodes,
    reused_nodes,
    why_unusable,
)
from workspace_controller.plan.nodes.sources import SOURCES, requested_nodes
from workspace_controller.plan.placement import instance_type
from workspace_controller.plan.plan import Action, Apply, Create
from workspace_controller.plan.spec import selector_labels


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePlan:
    """`target` is the number of nodes that the Workspace needs.

    `workers` are the names of the nodes in use, `usable` those that can run a pod now. `withheld`:
    nodes are missing, and may not be requested yet. `releases` gives back those that are not needed
    any longer, and while the plan `shrinks` no pod may start on them. `queued`: the run waits for
    its turn, and its Job does not wait for the nodes.
    """

    actions: tuple[Action, ...] = ()
    releases: tuple[Action, ...] = ()
    shrinks: bool = False
    queued: bool = False
    conditions: tuple[Condition, ...]
    target: int
    workers: tuple[str, ...] = ()
    usable: tuple[str, ...] = ()
    failed: bool = False
    withheld: bool = False

    @property
    def requests_nodes(self) -> bool:
        """Whether an action requests a node."""
        return any(isinstance(action, Create | Apply) for action in self.actions)

    @property
    def ready(self) -> bool:
        return len(self.usable) >= self.target and not self.shrinks


def decide_nodes(observed: Observed, spec: WorkspaceSpec, target: int) -> NodePlan:
    """Reuses free nodes that match, and requests the rest of `target` from the provisioner."""
    source = SOURCES[observed.settings.node_provisioner]
    own = [node for node in observed.nodes if is_own_node(node, observed.owner)]
    # A claim counts although its node is not there yet: otherwise a free node that appears
    # meanwhile would be reused as well.
    reused = reused_nodes(observed, spec, target - requested_nodes(observed.claims))
    requested = target - len(reused)
    actions = source.request(_need(observed, spec, requested), observed.claims)
    missing_kind = next((a.kind for a in actions if a.kind in observed.unserved_kinds), None)
    workers = sorted([*own, *reused], key=lambda node: str(node["metadata"]["name"]))
    usable = [node for node in workers if is_usable(observed, spec, node)]
    unusable = [node for node in workers if node not in usable]
    if len(usable) < target:
        unusable += [node for node in rejected_nodes(observed, spec) if node not in workers]
    found = NodeFindings(
        target=target,
        reused=len(reused),
        requested=requested,
        claims=tuple(claim for claim in observed.claims if not claim.deleting),
        missing_kind=missing_kind,
        workers=tuple(node["metadata"]["name"] for node in workers),
        usable=tuple(node["metadata"]["name"] for node in usable),
        unusable=tuple(why_unusable(observed, spec, node) for node in unusable),
        replaced_failure=replaced_claim_failure(observed, source.condition),
    )
    claims = claim_condition(source.condition, found)
    return NodePlan(
        # A request for a kind that is not served would fail at every pass. The informer notices
        # when the CRD is installed.
        actions=() if missing_kind else actions,
        conditions=node_conditions(claims, found, observed.settings.node_provisioner),
        target=target,
        workers=found.workers,
        usable=found.usable,
        failed=claims is not None and not claims.is_true and is_permanent(claims.reason),
    )


def _need(observed: Observed, spec: WorkspaceSpec, count: int) -> NodeNeed:
    return NodeNeed(
        owner=observed.owner,
        count=max(0, count),
        instance_type=instance_type(observed, spec),
        node_labels=selector_labels(spec),
        disk_gib=_disk_gib(observed, spec),
        node_annotations={
            name: observed.annotations[name]
            for name in labels.NODE_ANNOTATIONS
            if observed.annotations.get(name)
        },
        node_class=observed.settings.node_class,
    )


def _disk_gib(observed: Observed, spec: WorkspaceSpec) -> int:
    if observed.preset is None:
        return UNKNOWN_DISK_GIB
    tuning = observed.preset.tuning if spec.tuning is not None else None
    return max(observed.preset.disk_gib, tuning.disk_gib if tuning else 0)
