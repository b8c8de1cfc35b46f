"""The documentation's manifest with the user's values, and the demo's own objects. Pure."""

import base64
import json
from typing import Any

Manifest = dict[str, Any]

TUNED = "workspace-tuning-phi-3"
UNTUNED = "workspace-phi-3"
FAILING = "trouble"
# Every Workspace that the demo and its tests create.
WORKSPACES = (TUNED, UNTUNED, FAILING)
SECRET = "adapters-push"
DATA_PATH = "/datasets/dolly-15k-oai-style/train.parquet?download=true"

# The placeholders in the documentation: registry and image, Secret, data URL.
_IMAGE = "ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1"
_SECRET = "ACR_REGISTRY_SECRET_HERE"
_DATA = (
    "https://huggingface.co/datasets/philschmid/dolly-15k-oai-style/resolve/main/data/"
    "train-00000-of-00001-54e3756291ca09c6.parquet?download=true"
)


def tuning(example: str, image: str, secret: str, url: str) -> str:
    """The example with its three placeholders replaced, and nothing else.

    Raises:
        ValueError: the example lacks a placeholder.
    """
    for placeholder, value in ((_IMAGE, image), (_SECRET, secret), (_DATA, url)):
        if placeholder not in example:
            raise ValueError(f"the example manifest no longer contains {placeholder}")
        example = example.replace(placeholder, value)
    return example


def push_secret(name: str, registry: str, user: str, password: str) -> Manifest:
    """The Secret that `kubectl create secret docker-registry` would create."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    entry = {"username": user, "password": password, "auth": auth}
    config = json.dumps({"auths": {registry: entry}})
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "default"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(config.encode()).decode()},
    }


def data_server(name: str, image: str, *, replicas: int = 1, files: str = "") -> list[Manifest]:
    """Serve files over HTTP in the cluster: the image's own, or those of the ConfigMap `files`."""
    labels = {"app": name}
    container: Manifest = {
        "name": "server",
        "image": image,
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    # As the first process of a container, Python's server ignores SIGTERM, so do not wait for it.
    pod: Manifest = {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
    if files:
        container["command"] = ["python3", "-m", "http.server", "8080", "--directory", "/files"]
        container["volumeMounts"] = [{"name": "files", "mountPath": "/files"}]
        pod["volumes"] = [{"name": "files", "configMap": {"name": files}}]
    metadata = {"name": name, "namespace": "default"}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]
