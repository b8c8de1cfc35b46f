"""The documentation's manifest with the reader's own values, and what the demo adds. Pure."""

import base64
import json
from typing import Any

Manifest = dict[str, Any]

NAME = "workspace-tuning-phi-3"
UNTUNED = "workspace-phi-3"
TROUBLE = "trouble"
# Every Workspace that the demo and its checks make.
WORKSPACES = (NAME, UNTUNED, TROUBLE)
SECRET = "adapters-push"
DATA_PATH = "/datasets/dolly-15k-oai-style/train.parquet?download=true"

# What the documentation leaves to its reader: registry and image, secret, data address.
_IMAGE = "ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1"
_SECRET = "ACR_REGISTRY_SECRET_HERE"
_DATA = (
    "https://huggingface.co/datasets/philschmid/dolly-15k-oai-style/resolve/main/data/"
    "train-00000-of-00001-54e3756291ca09c6.parquet?download=true"
)


def tuning(example: str, image: str, secret: str, url: str) -> str:
    """The example's text with its three capitalised values replaced, and nothing else.

    Raises ValueError when the example lacks one of them."""
    for placeholder, value in ((_IMAGE, image), (_SECRET, secret), (_DATA, url)):
        if placeholder not in example:
            raise ValueError(f"the example manifest no longer holds {placeholder}")
        example = example.replace(placeholder, value)
    return example


def push_secret(name: str, registry: str, user: str, password: str) -> Manifest:
    """What `kubectl create secret docker-registry` makes."""
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
    """Serves files over HTTP inside the cluster: the image's own, or those of ConfigMap `files`."""
    labels = {"app": name}
    container: Manifest = {
        "name": "server",
        "image": image,
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
    }
    # Python's server knows no SIGTERM as a pod's first process.
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
