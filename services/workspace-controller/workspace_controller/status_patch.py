"""The merge patch that turns one status into another."""

from kaito_kube.kinds import Manifest


def merge_patch(before: Manifest, after: Manifest) -> Manifest:
    """The merge patch that makes one of the other. It removes only fields that are null, also in
    objects within objects."""
    removed = {key: None for key in before if key not in after}
    changed = {
        key: merge_patch(before[key], value)
        if isinstance(value, dict) and isinstance(before.get(key), dict)
        else value
        for key, value in after.items()
    }
    return {**changed, **removed}
