"""The cluster's own node, which has no GPU, as the node of a Workspace for the time of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tools.demo.kubectl import Kubectl, Manifest

SIZE = "Standard_D4s_v5"
_LABEL = ("e2e", "cpu-node")
_TYPE = "node.kubernetes.io/instance-type"


@contextmanager
def cpu_node(kubectl: Kubectl) -> Iterator[None]:
    """The node counts for Workspaces of `on_cpu_node`."""
    node = next(n for n in kubectl.items("nodes") if not n["spec"].get("taints"))["metadata"]
    label, name, before = "=".join(_LABEL), node["name"], node["labels"].get(_TYPE)
    kubectl.run("label", "node", name, "--overwrite", f"{_TYPE}={SIZE}", label)
    try:
        yield
    finally:
        restored = f"{_TYPE}={before}" if before else f"{_TYPE}-"
        kubectl.run("label", "node", name, "--overwrite", restored, f"{_LABEL[0]}-")


def on_cpu_node(
    name: str, inference: Manifest, *, namespace: str = "default", **annotations: str
) -> Manifest:
    """A Workspace that is served from that node."""
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        # The node has the size of no GPU machine.
        "annotations": {"kaito.sh/bypass-resource-checks": "true", **annotations},
    }
    selector = {"matchLabels": dict([_LABEL])}
    return {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": metadata,
        "resource": {"instanceType": SIZE, "labelSelector": selector},
        "inference": inference,
    }
