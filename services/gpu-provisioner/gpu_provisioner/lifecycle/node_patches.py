"""Several steps may each want something of the same Node: it is written once."""

from collections.abc import Iterable

from gpu_provisioner.lifecycle.plan import Action, PatchNode
from kaito_kube.kinds import Manifest


def gathered(actions: Iterable[Action]) -> tuple[Action, ...]:
    """The actions in their order, with one PatchNode for each Node where its first was."""
    found: list[Action] = []
    at: dict[str, int] = {}
    for action in actions:
        if not isinstance(action, PatchNode):
            found.append(action)
        elif action.name in at:
            before = found[at[action.name]]
            assert isinstance(before, PatchNode)
            found[at[action.name]] = PatchNode(action.name, _merged(before.patch, action.patch))
        else:
            at[action.name] = len(found)
            found.append(action)
    return tuple(found)


def _merged(first: Manifest, second: Manifest) -> Manifest:
    """Both JSON merge patches in one, the second's word last."""
    merged = dict(first)
    for key, value in second.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged
