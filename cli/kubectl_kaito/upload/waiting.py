"""What the pod of an upload waits for. Pure."""

from kaito_kube.kinds import Manifest

# Reasons of the kubelet for a container that waits for its turn.
_PATIENT = ("PodInitializing", "ContainerCreating", "")


def is_running(pod: Manifest) -> bool:
    return any("running" in state for state in _states(pod))


def has_ended(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def obstacle(pod: Manifest) -> str:
    """In words, for one that waits for long."""
    for state in _states(pod):
        waiting = state.get("waiting") or {}
        if waiting.get("reason", "") not in _PATIENT:
            return f"{waiting['reason']}: {waiting.get('message') or ''}".rstrip(": ")
    for condition in (pod.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"not scheduled: {condition.get('message') or condition.get('reason')}"
    return "its volume and its image are not there yet"


def _states(pod: Manifest) -> list[Manifest]:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return [status.get("state") or {} for status in statuses]
