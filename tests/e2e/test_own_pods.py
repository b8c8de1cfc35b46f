"""Pods of a user's own, on a node that is there already: what the user reads about them."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.causes import named_first
from tests.e2e.cpu_node import cpu_node, on_cpu_node
from tests.e2e.reachable import refused
from tests.e2e.reported import until_reported
from tools.demo.cluster import REGISTRY, KaitoCluster
from tools.demo.kubectl import Kubectl, Manifest, wait_for
from tools.demo.plugin import Plugin

NAME, NAMESPACE = "own-pods", "own-pods"
SERVES = ["python3", "-m", "http.server", "8080", "--directory", "/tmp"]


@dataclass(frozen=True, slots=True)
class OwnPods:
    """One Workspace with `inference.template`, in a namespace of its own."""

    kubectl: Kubectl
    image: str

    def apply(self, command: list[str], image: str = "") -> None:
        container = {
            "name": "server",
            "image": image or self.image,
            "command": command,
            "ports": [{"name": "http", "containerPort": 8080}],
            "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        }
        pod = {"containers": [container], "terminationGracePeriodSeconds": 1}
        manifest = on_cpu_node(NAME, {"template": {"spec": pod}}, namespace=NAMESPACE)
        self.kubectl.run("apply", "-f", "-", stdin=json.dumps(manifest))

    def until(self, *words: str) -> str:
        """Wait until InferenceReady contains all words, and return it."""
        return until_reported(self.kubectl, NAME, "InferenceReady", *words, namespace=NAMESPACE)

    def why(self) -> Manifest:
        return Plugin(self.kubectl).why(NAME, NAMESPACE)

    def answer(self) -> int:
        """The status that the Service answers once the host's kube-proxy knows its pod: that comes
        a moment after the pod is Ready."""
        address = self.kubectl.run(
            "get", "svc", NAME, "-n", NAMESPACE, "-o", "jsonpath={.spec.clusterIPs[0]}"
        )
        wait_for(f"{NAME} to lead to its pod", lambda: refused(address, 80), 60)
        with urllib.request.urlopen(f"http://{address}/", timeout=30) as answer:
            return int(answer.status)

    def forbid_pods(self, quota: str) -> None:
        """Create a ResourceQuota of no pods, and wait until the API server keeps it."""
        self.kubectl.run("create", "quota", quota, "-n", NAMESPACE, "--hard=pods=0")

        def not_kept() -> str | None:
            found = self.kubectl.get("quota", quota, "-n", NAMESPACE) or {}
            return None if (found.get("status") or {}).get("hard") else "it has no status yet"

        wait_for(f"quota {quota}", not_kept, 60)


@pytest.fixture
def own_pods(clean: KaitoCluster) -> Iterator[OwnPods]:
    """The node is free and has the size that the Workspace wants, for the time of the test."""
    kubectl = clean.kubectl
    server: Manifest = kubectl.get("deployment", "data-server") or {}
    image = server["spec"]["template"]["spec"]["containers"][0]["image"]
    kubectl.run("create", "namespace", NAMESPACE)
    try:
        with cpu_node(kubectl):
            yield OwnPods(kubectl, image)
    finally:
        kubectl.delete("workspace", NAME, "-n", NAMESPACE)
        kubectl.delete("namespace", NAMESPACE)


def test_service_leads_to_the_port_and_a_loop_of_exits_is_named(own_pods: OwnPods) -> None:
    own_pods.apply(SERVES)
    own_pods.until("True InferenceReady", "leads to their port 8080")
    assert own_pods.answer() == 200
    own_pods.apply(["sh", "-c", "exit 0"])
    # Whether the old pod answers meanwhile depends on the room that the node has.
    own_pods.until("container server ended with exit code 0, and is restarted")


def test_quota_that_forbids_the_pod_is_named_until_it_is_lifted(own_pods: OwnPods) -> None:
    own_pods.forbid_pods("nothing")
    own_pods.apply(SERVES)
    own_pods.until("False PodForbidden", "exceeded quota: nothing", "raise ResourceQuota nothing")
    named_first("a quota without pods", own_pods.why(), "PodForbidden", "exceeded quota: nothing")
    own_pods.kubectl.delete("quota", "nothing", "-n", NAMESPACE)
    own_pods.until("True InferenceReady")


def test_why_names_an_image_that_does_not_exist_and_then_the_loop_of_exits(
    own_pods: OwnPods,
) -> None:
    absent = f"{REGISTRY}/no-such-image:1"
    own_pods.apply(SERVES, absent)
    own_pods.until("False ImagePullFailed", absent)
    named_first("an image that does not exist", own_pods.why(), "ImagePullFailed", absent)
    own_pods.apply(["sh", "-c", "exit 3"])
    failed = "container server failed with exit code 3"
    own_pods.until("False ContainerCrashed", failed)
    named_first("a server that ends", own_pods.why(), "ContainerCrashed", failed)
