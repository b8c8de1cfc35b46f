"""Selects the nodes that a Workspace can use: its own, and free ones that match."""

from collections.abc import Mapping

from kaito_api import labels
from kaito_api.quantity import parse as parse_quantity
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import Manifest, is_being_deleted, labels_of
from workspace_controller.gpu_resources import RESOURCES
from workspace_controller.manifests.metadata import Owner, is_labeled_for
from workspace_controller.observed import Observed
from workspace_controller.plan.placement import gpu_limits, instance_type
from workspace_controller.plan.spec import preset_ref, selector_labels
from workspace_controller.settings import NodeProvisioner

_RESOURCES = tuple(RESOURCES.values())


def is_own_node(node: Manifest, owner: Owner) -> bool:
    """Whether the node was created for this Workspace: it carries the labels of its claim."""
    return is_labeled_for(node, owner)


def is_matching_node(node: Manifest, wanted: Mapping[str, str], instance_type: str) -> bool:
    """Whether the node was created for no Workspace and matches `wanted`, cordoned or not.

    An empty `instance_type` matches every type.
    """
    has = labels_of(node)
    same_type = has.get(labels.INSTANCE_TYPE, "").casefold() == instance_type.casefold()
    return (
        labels.WORKSPACE not in has
        and all(has.get(key) == value for key, value in wanted.items())
        and (not instance_type or same_type)
        and not is_being_deleted(node)
    )


def is_free_node(node: Manifest, wanted: Mapping[str, str], instance_type: str) -> bool:
    """Whether the node matches and accepts pods."""
    return is_matching_node(node, wanted, instance_type) and not is_cordoned(node)


def is_cordoned(node: Manifest) -> bool:
    return bool((node.get("spec") or {}).get("unschedulable"))


def is_node_ready(node: Manifest) -> bool:
    conditions = (node.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def has_gpus(node: Manifest, limits: Mapping[str, str]) -> bool:
    """Whether the node advertises the GPUs that a pod will request."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    try:
        return all(parse_quantity(allocatable.get(r, 0)) >= int(n) for r, n in limits.items())
    except ValueError:
        return False


def reused_nodes(observed: Observed, spec: WorkspaceSpec, count: int) -> list[Manifest]:
    """At most `count` free nodes: those in use first, then preferred ones, then by name.

    A node in use stays selected while it is not ready: otherwise a reboot would request another
    node, which costs money.
    """
    wanted, type_ = selector_labels(spec), instance_type(observed, spec)
    in_use, preferred = observed.status.get("workerNodes") or (), spec.resource.preferred_nodes

    def rank(node: Manifest) -> tuple[bool, bool, str]:
        name = node["metadata"]["name"]
        return (name not in in_use, name not in preferred, name)

    free = [
        node
        for node in observed.nodes
        if is_free_node(node, wanted, type_)
        and node["metadata"]["name"] not in observed.reserved_nodes
        and (node["metadata"]["name"] in in_use or is_usable(observed, spec, node))
    ]
    return sorted(free, key=rank)[: max(0, count)]


def rejected_nodes(observed: Observed, spec: WorkspaceSpec) -> list[Manifest]:
    """The nodes that would be free if they were not cordoned, or had GPUs."""
    wanted, type_ = selector_labels(spec), instance_type(observed, spec)
    return [
        node
        for node in observed.nodes
        if is_matching_node(node, wanted, type_)
        and (is_cordoned(node) or (is_node_ready(node) and not is_usable(observed, spec, node)))
        and node["metadata"]["name"] not in observed.reserved_nodes
    ]


def is_usable(observed: Observed, spec: WorkspaceSpec, node: Manifest) -> bool:
    """Whether a pod of the Workspace can run on the node now."""
    return is_node_ready(node) and not is_cordoned(node) and _advertises_gpus(observed, spec, node)


def why_unusable(observed: Observed, spec: WorkspaceSpec, node: Manifest) -> str:
    """What to look at when a selected node is not usable."""
    name = node["metadata"]["name"]
    if not is_node_ready(node):
        return f"node {name} is not Ready (kubectl describe node {name} shows why)"
    if is_cordoned(node):
        return f"node {name} is cordoned (kubectl uncordon {name} lets pods start there again)"
    limits = ", ".join(f"{r}: {n}" for r, n in gpu_limits(observed, spec).items())
    if not limits:
        return (
            f"node {name} advertises no GPU: its allocatable has none of {', '.join(_RESOURCES)} "
            "(start the vendor's device plugin there, or set "
            "workspace-controller.settings.gpuNodeReady=false to run models on CPUs)"
        )
    return f"node {name} does not advertise {limits} (check the device plugin's pod there)"


def _advertises_gpus(observed: Observed, spec: WorkspaceSpec, node: Manifest) -> bool:
    if not observed.settings.gpu_node_ready:
        return True
    limits = gpu_limits(observed, spec)
    return has_gpus(node, limits) if limits else not _needs_gpus(observed, spec)


def _needs_gpus(observed: Observed, spec: WorkspaceSpec) -> bool:
    """Whether a model runs on GPUs although nothing describes them.

    Nobody can know it of the user's own pods. An instance type is in the catalog with its GPUs.
    """
    byo = observed.settings.node_provisioner is NodeProvisioner.BYO
    return byo and observed.gpus is None and preset_ref(spec) is not None
