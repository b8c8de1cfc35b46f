"""What `kubectl kaito doctor` finds in a sound cluster, and in broken ones."""

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.cpu_node import cpu_node, on_cpu_node
from tests.e2e.untuned import apply, until_told
from tools.demo import cloud, manifests
from tools.demo.cluster import NAMESPACE, KaitoCluster
from tools.demo.kubectl import Kubectl, Manifest, wait_for
from tools.demo.plugin import Plugin

CONTROLLER = "kaito-workspace-controller"
WORKSPACES = "workspaces.kaito.sh"
WEBHOOK = "validatingwebhookconfiguration"
OLD_NODE, SILENT_NODE = "old-kubelet", "silent-gpus"
ABSENT_REGISTRY = "172.30.0.1:5009"


def doctor(kubectl: Kubectl) -> dict[str, Manifest]:
    """The findings by check, printed as the user reads them."""
    plugin = Plugin(kubectl, {"KAITO_RETAIL_PRICES_URL": cloud.PRICE_LIST})
    answer = plugin.run("doctor", "-o", "json")
    found: dict[str, Manifest] = {each["check"]: each for each in answer.json["findings"]}
    failed = any(each["level"] == "FAIL" for each in found.values())
    assert answer.code == (1 if failed else 0)
    return found


def shown(kubectl: Kubectl) -> str:
    out = Plugin(kubectl, {"KAITO_RETAIL_PRICES_URL": cloud.PRICE_LIST}).run("doctor").out
    print(f"$ kubectl kaito doctor\n{out}", flush=True)
    return out


def finds(kubectl: Kubectl, check: str, level: str, words: str, *consequences: str) -> None:
    """Only that check finds something, and those that follow from it."""

    def otherwise() -> str | None:
        found = doctor(kubectl)
        wrong = {name for name, each in found.items() if each["level"] != "OK"}
        named = found[check]["level"] == level and words in found[check]["detail"]
        if named and check in wrong <= {check, *consequences}:
            return None
        return json.dumps([each for each in found.values() if each["level"] != "OK"])

    # Of a Lease that nobody renews it takes a minute.
    wait_for(f"{check}: {level} {words}", otherwise, 150, pause=1)
    text = shown(kubectl)
    assert doctor(kubectl)[check]["remedy"] in " ".join(text.split())


def test_sound_cluster_passes_every_check(clean: KaitoCluster) -> None:
    def unsound() -> str | None:
        findings = doctor(clean.kubectl).values()
        return "; ".join(f["detail"] for f in findings if f["level"] != "OK") or None

    wait_for("every check to pass", unsound, 60)
    assert "Nothing stands in the way." in shown(clean.kubectl)


def recreated(found: Manifest) -> Manifest:
    """The manifest as it can be created again."""
    manifest = copy.deepcopy(found)
    manifest.pop("status", None)
    for field in ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"):
        manifest["metadata"].pop(field, None)
    return manifest


@contextmanager
def without(kubectl: Kubectl, kind: str, name: str, *where: str) -> Iterator[None]:
    """The object is deleted, and there again afterwards."""
    found = kubectl.get(kind, name, *where)
    assert found is not None
    kubectl.delete(kind, name, *where)
    try:
        yield
    finally:
        # As Helm does, which would refuse to change what another manager has written.
        apply_as_helm = ("apply", "--server-side", "--force-conflicts", "--field-manager=helm")
        kubectl.run(*apply_as_helm, "-f", "-", stdin=json.dumps(recreated(found)))


def test_no_crd(clean: KaitoCluster) -> None:
    with without(clean.kubectl, "crd", WORKSPACES):
        finds(clean.kubectl, "Workspace CRD", "FAIL", f"{WORKSPACES} is not installed")


def test_no_webhook(clean: KaitoCluster) -> None:
    kubectl = clean.kubectl
    kubectl.delete(WEBHOOK, CONTROLLER)
    try:
        finds(kubectl, "webhook", "WARN", f"webhook {CONTROLLER} is not registered")
    finally:
        # As the remedy says: otherwise the leader looks for it once an hour.
        kubectl.run("rollout", "restart", f"deployment/{CONTROLLER}", "-n", NAMESPACE)

    def unregistered() -> str | None:
        return None if kubectl.get(WEBHOOK, CONTROLLER) else "not yet"

    wait_for("the leader to register the webhook again", unregistered, 90)
    kubectl.run("rollout", "status", f"deployment/{CONTROLLER}", "-n", NAMESPACE)


@pytest.mark.long
def test_no_leader(clean: KaitoCluster) -> None:
    kubectl = clean.kubectl
    with without(kubectl, "rolebinding", CONTROLLER, "-n", NAMESPACE):
        words = f"nobody renews Lease {NAMESPACE}/{CONTROLLER}"
        finds(kubectl, "leader", "FAIL", words, "workspace-controller")
    kubectl.run("rollout", "status", f"deployment/{CONTROLLER}", "-n", NAMESPACE)


@pytest.fixture
def machineless(clean: KaitoCluster) -> Iterator[Kubectl]:
    """For Nodes that only the API server knows, so that no kubelet writes their status."""
    yield clean.kubectl
    clean.kubectl.delete("node", OLD_NODE, SILENT_NODE)


def create_node(kubectl: Kubectl, name: str, labels: dict[str, str], status: Manifest) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
    kubectl.apply(node)
    patch = json.dumps({"status": status})
    kubectl.run("patch", "node", name, "--subresource=status", "--type=merge", "-p", patch)


def test_no_device_plugin(machineless: Kubectl) -> None:
    status = {"allocatable": {"cpu": "6"}, "nodeInfo": {"kubeletVersion": "v1.36.3"}}
    labels = {"node.kubernetes.io/instance-type": "Standard_NC6s_v3"}
    create_node(machineless, SILENT_NODE, labels, status)
    finds(machineless, "GPUs", "FAIL", f"{SILENT_NODE} advertise no nvidia.com/gpu")


def test_no_image_volumes(machineless: Kubectl) -> None:
    status = {"nodeInfo": {"kubeletVersion": "v1.34.2"}}
    create_node(machineless, OLD_NODE, {}, status)
    finds(machineless, "image volumes", "WARN", "Kubernetes 1.34 has image volumes only behind")


def test_no_dns(clean: KaitoCluster) -> None:
    """Its Service leads nowhere."""
    kubectl, where = clean.kubectl, ("endpointslice", "kube-dns", "-n", "kube-system")

    def set_ready(ready: bool) -> None:
        path = "/endpoints/0/conditions/ready"
        patch = json.dumps([{"op": "replace", "path": path, "value": ready}])
        kubectl.run("patch", *where, "--type=json", "-p", patch)

    set_ready(False)
    try:
        finds(kubectl, "DNS", "FAIL", "no server behind Service kube-system/kube-dns is ready")
    finally:
        set_ready(True)


def test_wrong_role(clean: KaitoCluster) -> None:
    cloud.set_fault("forbidden", operation="agentPools.put")
    apply(clean.kubectl)
    until_told(clean.kubectl, "ResourceReady", "False CloudUnauthorized")
    finds(clean.kubectl, "cloud identity", "FAIL", "CloudUnauthorized of claim ws")


def test_registry_away(clean: KaitoCluster) -> None:
    kubectl, name = clean.kubectl, manifests.FAILING
    container = {"name": "server", "image": f"{ABSENT_REGISTRY}/team/server:1"}
    with cpu_node(kubectl):
        kubectl.apply(on_cpu_node(name, {"template": {"spec": {"containers": [container]}}}))
        words = f"cannot pull {ABSENT_REGISTRY}/team/server:1"
        finds(kubectl, "registries", "FAIL", words)
        kubectl.delete("workspace", name)


def test_no_controller(clean: KaitoCluster) -> None:
    kubectl = clean.kubectl
    scale = ("scale", "deployment", CONTROLLER, "-n", NAMESPACE)
    kubectl.run(*scale, "--replicas=0")
    try:
        words = f"Deployment {NAMESPACE}/{CONTROLLER} has no available pod"
        finds(kubectl, "workspace-controller", "FAIL", words, "leader")
    finally:
        kubectl.run(*scale, "--replicas=2")
        kubectl.run("rollout", "status", f"deployment/{CONTROLLER}", "-n", NAMESPACE)
