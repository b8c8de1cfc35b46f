"""Gives back the nodes that a tuning run needed, and the model that it has tuned does not."""

from dataclasses import replace

from kaito_api.labels import ROLE
from kaito_kube.kinds import NODE_POOL, is_being_deleted
from workspace_controller.observed import Claim, Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.nodes.selection import is_cordoned, is_own_node
from workspace_controller.plan.nodes.sources import requested_nodes
from workspace_controller.plan.plan import Action, Apply, Delete


def without_surplus(observed: Observed, nodes: NodePlan) -> NodePlan:
    """The plan, which also gives back what is more than its target.

    The model starts once the other nodes take no pods: it would have to move.
    """
    releases = _releases(observed, nodes.target)
    own = [node for node in observed.nodes if is_own_node(node, observed.owner)]
    open_nodes = [each for each in own if not is_cordoned(each) and not is_being_deleted(each)]
    shrinks = observed.workload is None and (bool(releases) or len(open_nodes) > nodes.target)
    return replace(nodes, releases=releases, shrinks=shrinks)


def _releases(observed: Observed, target: int) -> tuple[Action, ...]:
    """By name, so that a pass that sees less gives back the same. A pool gets smaller."""
    active = [claim for claim in observed.claims if not claim.deleting]
    if requested_nodes(active) <= target:
        return ()
    pools = [claim for claim in active if claim.kind == NODE_POOL]
    if pools:
        return tuple(_smaller(pool, target) for pool in pools if pool.replicas > target)
    single = sorted(active, key=lambda claim: (not _serves_on(observed, claim), claim.name))
    return tuple(Delete(claim.kind, claim.name) for claim in single[target:])


def _smaller(pool: Claim, replicas: int) -> Action:
    manifest = {
        "metadata": {"name": pool.name, "labels": pool.manifest["metadata"].get("labels") or {}},
        "spec": {**pool.manifest["spec"], "replicas": replicas},
    }
    return Apply(NODE_POOL, manifest, verify_owner=False)


def _serves_on(observed: Observed, claim: Claim) -> bool:
    """Whether a pod that serves runs on the node of the claim."""
    node = (claim.manifest.get("status") or {}).get("nodeName")
    return node is not None and any(
        (pod.get("spec") or {}).get("nodeName") == node
        and (pod["metadata"].get("labels") or {}).get(ROLE) == "inference"
        for pod in observed.pods
    )
