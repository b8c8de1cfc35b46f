"""Reads the status of pods and their containers."""

import json
from typing import Any

from kaito_kube.kinds import Manifest, labels_of
from workspace_controller.manifests.own_engine_pod import OWN_ENGINES
from workspace_controller.manifests.serving_containers import MODEL_SERVER


def pods_with_role(pods: tuple[Manifest, ...], role: str, label: str) -> list[Manifest]:
    """The pods whose `label` has the value `role`, newest first."""
    matching = [pod for pod in pods if labels_of(pod).get(label) == role]
    return sorted(matching, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))[::-1]


def is_ready(pod: Manifest) -> bool:
    """Whether the pod has an address and is Ready."""
    status = pod.get("status") or {}
    conditions = {c.get("type"): c.get("status") for c in status.get("conditions") or ()}
    return bool(status.get("podIP")) and conditions.get("Ready") == "True"


def has_ended(pod: Manifest) -> bool:
    """Whether none of its containers runs any more, or ever will."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def containers(pod: Manifest) -> list[Manifest]:
    """The status of each container, in the order in which they run."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def sidecars(pod: Manifest) -> frozenset[str]:
    """The names of the init containers that run as long as the pod."""
    init = (pod.get("spec") or {}).get("initContainers") or ()
    return frozenset(str(c.get("name")) for c in init if c.get("restartPolicy") == "Always")


def has_own_engine(pod: Manifest) -> bool:
    """Whether the pod is a user's own, with a server in it that model-server calls."""
    for container in (pod.get("spec") or {}).get("containers") or ():
        if container.get("name") == MODEL_SERVER:
            env = {each.get("name"): each.get("value") for each in container.get("env") or ()}
            return env.get("KAITO_ENGINE") in OWN_ENGINES
    return False


def container_state(pod: Manifest, name: str) -> Manifest:
    """{"running": …}, {"waiting": …} or {"terminated": …}; empty before the kubelet reports."""
    for container in containers(pod):
        if container.get("name") == name:
            return container.get("state") or {}
    return {}


def termination_message(terminated: Manifest) -> dict[str, Any]:
    """The JSON object that one of Kaito's containers reports at its end; empty for others."""
    try:
        message = json.loads(terminated.get("message") or "")
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}
