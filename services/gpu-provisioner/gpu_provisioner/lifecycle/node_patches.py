"""Merges the patches that several stages want to apply to a Node, so that it is written once."""

from collections.abc import Iterable

from gpu_provisioner.lifecycle.plan import Action, PatchNode
from kaito_kube.kinds import Manifest


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
