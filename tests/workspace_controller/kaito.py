"""Objects as KAITO 0.12 leaves them: a Workspace with its StatefulSet and Services, or its Job.

Only Job and pods have a label that names the Workspace; all of them have it as their owner.
"""

from typing import Any

from kaito_kube.kinds import Manifest

_REVISION = {"workspace.kaito.io/revision": "1"}
_NODE_PORT = 5000


def annotations() -> dict[str, str]:
    """What KAITO's controller writes to each Workspace."""
    return {**_REVISION, "workspace.kaito.io/hash": "0b5d" * 16}


def status(node: str) -> Manifest:
    """The status of a Workspace whose model answers."""
    conditions = (
        ("NodeClaimReady", "NodeClaimsReady", "nodeClaims are ready"),
        ("NodesReady", "NodesReady", "All nodes are ready"),
        ("ResourceReady", "workspaceResourceStatusSuccess", "workspace resource is ready"),
        ("InferenceReady", "WorkspaceInferenceStatusSuccess", "Inference has been deployed"),
        ("WorkspaceSucceeded", "workspaceSucceeded", "workspace succeeds"),
    )
    return {
        "state": "Ready",
        "targetNodeCount": 1,
        "workerNodes": [node],
        "conditions": [
            {
                "type": type_,
                "status": "True",
                "reason": reason,
                "message": message,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
                "observedGeneration": 1,
            }
            for type_, reason, message in conditions
        ],
    }


def stateful_set(workspace: Manifest, image: str, **container: Any) -> Manifest:
    labels = _labels(workspace)
    own = {
        "name": workspace["metadata"]["name"],
        "image": image,
        "ports": [{"containerPort": _NODE_PORT, "name": "http"}],
        "resources": {name: {"nvidia.com/gpu": "1"} for name in ("limits", "requests")},
        **container,
    }
    gpu = {"effect": "NoSchedule", "key": "sku", "operator": "Equal", "value": "gpu"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {**_metadata(workspace), "annotations": _REVISION},
        "spec": {
            "replicas": 1,
            "podManagementPolicy": "Parallel",
            "serviceName": f"{workspace['metadata']['name']}-headless",
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [own],
                    "tolerations": [gpu],
                    "nodeSelector": {
                        **labels,
                        "kaito.sh/workspacenamespace": workspace["metadata"]["namespace"],
                    },
                },
            },
        },
    }


def services(workspace: Manifest) -> tuple[Manifest, Manifest]:
    """The Service of the first pod, and the headless one."""
    name, labels = workspace["metadata"]["name"], _labels(workspace)
    ports = (("http", 80, _NODE_PORT), ("ray", 6379, 6379), ("dashboard", 8265, 8265))
    first = {
        "type": "ClusterIP",
        "publishNotReadyAddresses": True,
        "selector": {**labels, "statefulset.kubernetes.io/pod-name": f"{name}-0"},
        "ports": [
            {"name": port, "port": number, "targetPort": target, "protocol": "TCP"}
            for port, number, target in ports
        ],
    }
    headless = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": labels}
    return (
        {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(workspace), "spec": first},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": _metadata(workspace, f"{name}-headless"),
            "spec": headless,
        },
    )


def tuning_job(workspace: Manifest, image: str) -> Manifest:
    labels = _labels(workspace)
    pod = {"restartPolicy": "Never", "containers": [{"name": "tuning", "image": image}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**_metadata(workspace), "labels": labels, "annotations": _REVISION},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def pod_of(controller: Manifest, node: str, *, ready: bool = True) -> Manifest:
    """The first pod of a StatefulSet or Job."""
    metadata = controller["metadata"]
    owner = {
        "apiVersion": controller["apiVersion"],
        "kind": controller["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
    }
    return {
        "metadata": {
            "name": f"{metadata['name']}-0",
            "namespace": metadata["namespace"],
            "labels": controller["spec"]["template"]["metadata"]["labels"],
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {**controller["spec"]["template"]["spec"], "nodeName": node},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def _labels(workspace: Manifest) -> dict[str, str]:
    return {"kaito.sh/workspace": workspace["metadata"]["name"]}


def _metadata(workspace: Manifest, name: str = "") -> Manifest:
    own = workspace["metadata"]
    owner = {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "name": own["name"],
        "uid": own["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "name": name or own["name"],
        "namespace": own["namespace"],
        "ownerReferences": [owner],
    }
