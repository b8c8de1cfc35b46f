"""Workspaces that serve, as large as real ones."""

from collections.abc import Mapping
from typing import Any

NAMESPACE = "team"
_TIME = "2026-11-28T09:00:00Z"
_CONDITIONS = (
    "MachineReady",
    "NodesReady",
    "ResourceReady",
    "InferenceReady",
    "WorkspaceSucceeded",
)


def workspace(number: int) -> Mapping[str, Any]:
    name = f"model-{number:03}"
    return {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "uid": f"00000000-0000-0000-0000-{number:012}",
            "generation": 1,
            "resourceVersion": str(number + 1),
            "creationTimestamp": _TIME,
        },
        "resource": {
            "count": 1,
            "instanceType": "Standard_NC6s_v3",
            "labelSelector": {"matchLabels": {"apps": name}},
        },
        "inference": {"preset": {"name": "phi-3-mini-128k-instruct"}},
        "status": {
            "observedGeneration": 1,
            "state": "Ready",
            "nodes": "1/1",
            "workerNodes": [f"node-{number}"],
            "costPerHour": "$3.06",
            "conditions": [
                {
                    "type": type_,
                    "status": "True",
                    "reason": type_,
                    "message": "1 of 1 nodes are ready, and the model answers requests",
                    "lastTransitionTime": _TIME,
                    "observedGeneration": 1,
                }
                for type_ in _CONDITIONS
            ],
        },
    }
