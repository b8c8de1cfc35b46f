"""Patches of a Node, and their merge into one, so that it is written once. Pure."""

from collections.abc import Iterable

from gpu_provisioner.lifecycle.plan import Action, PatchNode
from kaito_api import labels
from kaito_kube.kinds import Manifest


def without_finalizer(node: Manifest) -> Manifest:
    """Return the metadata of a patch that removes the termination finalizer, if the Node has it.

    KAITO's own gpu-provisioner puts it on Nodes and waits for their deletion. Here Nodes have
    none, and one that stayed would hold the Node back for ever.
    """
    metadata = node["metadata"]
    present = metadata.get("finalizers") or []
    others = [name for name in present if name != labels.TERMINATION_FINALIZER]
    if others == present:
        return {}
    # A merge patch replaces the whole list, so it must fail if someone else changed it.
    return {"finalizers": others, "resourceVersion": metadata["resourceVersion"]}


def merge_node_patches(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions in order, with one PatchNode per Node in the place of its first."""
    merged: list[Action] = []
    index_of: dict[str, int] = {}
    for action in actions:
        if not isinstance(action, PatchNode):
            merged.append(action)
        elif action.name in index_of:
            first = merged[index_of[action.name]]
            assert isinstance(first, PatchNode)
            patch = _merge(first.patch, action.patch)
            merged[index_of[action.name]] = PatchNode(action.name, patch)
        else:
            index_of[action.name] = len(merged)
            merged.append(action)
    return tuple(merged)


def _merge(first: Manifest, second: Manifest) -> Manifest:
    """Return both JSON merge patches as one. Where they differ, the second wins."""
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merge(before, value)
        else:
            merged[key] = value
    return merged
