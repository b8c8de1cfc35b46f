"""Nodes that the user brings along: one without a GPU, a cordoned one, and one that will do."""

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.e2e.causes import named_first
from tests.e2e.untuned import until_told
from tools.demo import chat_client, manifests
from tools.demo.cluster import KaitoCluster, reconfigure
from tools.demo.kubectl import Kubectl
from tools.demo.plugin import Plugin
from tools.demo.walkthrough import QUESTION, UNTUNED, Watch

APP = "brought-along"


@pytest.fixture
def node(clean: KaitoCluster) -> Iterator[str]:
    """The node of the cluster, with a label for the Workspace, and the release without a
    provisioner. Nothing describes its GPUs, and it has none."""
    kubectl = clean.kubectl
    name = next(n for n in kubectl.items("nodes") if not n["spec"].get("taints"))["metadata"][
        "name"
    ]
    kubectl.run("label", "node", name, f"app={APP}")
    reconfigure({"global.nodeProvisioner": "byo"})
    try:
        yield str(name)
    finally:
        kubectl.delete("workspace", manifests.UNTUNED)
        set_gpus(kubectl, name, None)
        kubectl.run("uncordon", name)
        kubectl.run("label", "node", name, "app-")
        reconfigure({"global.nodeProvisioner": "machine"})


def set_gpus(kubectl: Kubectl, node: str, count: str | None) -> None:
    """What a device plugin would advertise."""
    gpus = {"nvidia.com/gpu": count}
    patch = json.dumps({"status": {"capacity": gpus, "allocatable": gpus}})
    kubectl.run("patch", "node", node, "--subresource=status", "--type=merge", "-p", patch)


def test_node_serves_once_it_has_a_gpu_and_is_not_cordoned(clean: KaitoCluster, node: str) -> None:
    kubectl = clean.kubectl
    manifest = yaml.safe_load(UNTUNED.read_text())
    manifest["resource"] = {"labelSelector": {"matchLabels": {"app": APP}}}
    kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))
    until_told(
        kubectl,
        "ResourceReady",
        f"False NotEnoughNodes: 0 of 1 nodes are ready: node {node} advertises no GPU: its "
        "allocatable has none of nvidia.com/gpu",
    )
    assert kubectl.get("deployment", manifests.UNTUNED) is None
    why = Plugin(kubectl).why(manifests.UNTUNED)
    named_first("a node without a GPU", why, "NotEnoughNodes", f"node {node} advertises no GPU")

    kubectl.run("cordon", node)
    set_gpus(kubectl, node, "1")
    until_told(
        kubectl,
        "ResourceReady",
        "False NotEnoughNodes",
        f"node {node} is cordoned (kubectl uncordon",
    )
    kubectl.run("uncordon", node)
    Watch(kubectl, manifests.UNTUNED).until_ready()
    deployment = kubectl.get("deployment", manifests.UNTUNED) or {}
    containers = deployment["spec"]["template"]["spec"]["containers"]
    limits = [(c.get("resources") or {}).get("limits") or {} for c in containers]
    assert [each["nvidia.com/gpu"] for each in limits if "nvidia.com/gpu" in each] == ["1"]
    curl = clean.inputs.curl_image
    assert chat_client.chat(kubectl, manifests.UNTUNED, QUESTION, curl)
