"""The controllers without their rights: for longer than any library retries, and from the start."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.e2e.untuned import apply, nodes_ready
from tools.demo.cluster import CONTROLLER_PODS, NAMESPACE, KaitoCluster
from tools.demo.kubectl import Kubectl, Manifest, wait_for

pytestmark = pytest.mark.long

CONTROLLERS = ("kaito-workspace-controller", "kaito-gpu-provisioner")
# Some of what each of them watches.
FEEDS = {
    "workspace-controller": ("workspaces", "machines", "nodes", "pods", "deployments"),
    "gpu-provisioner": ("machines", "nodeclaims", "nodes"),
}
WEBHOOK = "validatingwebhookconfiguration"
# Two of each.
REPLICAS = 4
# kopf gives up after the ninth try, client-go's libraries never; neither takes so long.
OUTAGE_SECONDS = 130


@dataclass(frozen=True, slots=True)
class Rights:
    kubectl: Kubectl
    bindings: tuple[Manifest, ...]

    def take(self) -> None:
        self.kubectl.delete("clusterrolebinding", *CONTROLLERS)

    def give(self) -> None:
        self.kubectl.apply(*self.bindings)


@pytest.fixture
def rights(clean: KaitoCluster) -> Iterator[Rights]:
    """What Helm has bound, and binds again after the test."""
    found = [clean.kubectl.get("clusterrolebinding", name) or {} for name in CONTROLLERS]
    for binding in found:
        for field in ("uid", "resourceVersion", "creationTimestamp"):
            del binding["metadata"][field]
    held = Rights(clean.kubectl, tuple(found))
    yield held
    held.give()
    for name in CONTROLLERS:
        clean.kubectl.run("rollout", "status", f"deployment/{name}", "-n", NAMESPACE)


def controllers(kubectl: Kubectl) -> list[Manifest]:
    pods = kubectl.items("pods", "-n", NAMESPACE, "-l", CONTROLLER_PODS)
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def restarts(kubectl: Kubectl) -> dict[str, int]:
    return {
        pod["metadata"]["name"]: sum(
            each["restartCount"] for each in pod["status"].get("containerStatuses", ())
        )
        for pod in controllers(kubectl)
    }


def readyz(pod: Manifest) -> str:
    """What the probe answers: ok, or why the pod is not ready."""
    try:
        with urllib.request.urlopen(
            f"http://{pod['status'].get('podIP')}:8080/readyz", timeout=10
        ) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError as error:
        return f"no answer: {error}"


def unnamed(kubectl: Kubectl, pattern: str) -> str | None:
    """The answer of a controller that does not have the pattern for each of its feeds."""
    pods = controllers(kubectl)
    if len(pods) != REPLICAS:
        return f"{len(pods)} of {REPLICAS} pods"
    for pod in pods:
        text = readyz(pod)
        for feed in FEEDS[pod["metadata"]["labels"]["app.kubernetes.io/name"]]:
            if not re.search(pattern.format(feed=feed), text):
                return f"{pod['metadata']['name']}: no {feed} in: {text}"
    return None


def shown_as_ready(kubectl: Kubectl) -> str | None:
    """The controllers that `kubectl get pods` shows as ready; None if there are none."""
    ready = [
        pod["metadata"]["name"]
        for pod in controllers(kubectl)
        if any(c["ready"] for c in pod["status"].get("containerStatuses", ()))
    ]
    return ", ".join(ready) or None


def works_again(kubectl: Kubectl) -> None:
    """The Workspace that was created meanwhile gets its node, and all controllers are ready."""
    wait_for("the Workspace's node", lambda: nodes_ready(kubectl), 180)
    wait_for("ready controllers", lambda: _unready(kubectl), 60)


def _unready(kubectl: Kubectl) -> str | None:
    problems = [answer for pod in controllers(kubectl) if (answer := readyz(pod)) != "ok"]
    return problems[0] if problems else None


def show(kubectl: Kubectl) -> None:
    kubectl.show("get", "pods", "-n", NAMESPACE, "-l", CONTROLLER_PODS)
    print("\n".join(readyz(pod) for pod in controllers(kubectl)))


def test_rights_that_come_back_after_minutes_need_no_restart(
    clean: KaitoCluster, rights: Rights
) -> None:
    kubectl = clean.kubectl
    before = restarts(kubectl)
    assert len(before) == REPLICAS
    rights.take()

    forbidden = r"{feed}: cannot be watched for \d+ s \({feed}[.a-z0-9]* is forbidden: User "

    def refused() -> str | None:
        for pod in controllers(kubectl):
            spans = re.findall(r"cannot be watched for (\d+) s", readyz(pod))
            if min(map(int, spans), default=0) < OUTAGE_SECONDS:
                return f"{pod['metadata']['name']}: {spans or 'watches that were open before'}"
        return unnamed(kubectl, forbidden) or shown_as_ready(kubectl)

    # An open watch goes on until it is renewed, after four minutes: each has a time of its own.
    wait_for("every watch to be refused for long", refused, 600, pause=5)
    show(kubectl)
    # The API server cannot ask the webhook now, and admits it.
    apply(kubectl)
    rights.give()
    works_again(kubectl)
    assert restarts(kubectl) == before


def test_controllers_that_start_without_rights_work_when_they_get_them(
    clean: KaitoCluster, rights: Rights
) -> None:
    kubectl = clean.kubectl
    rights.take()
    kubectl.delete(WEBHOOK, CONTROLLERS[0])
    kubectl.run("delete", "pods", "-n", NAMESPACE, "-l", CONTROLLER_PODS)
    forbidden = r"not listed yet: .*{feed} \({feed}[.a-z0-9]* is forbidden: User "
    wait_for(
        "the rights to be named",
        lambda: unnamed(kubectl, forbidden) or shown_as_ready(kubectl),
        120,
    )
    show(kubectl)
    before = restarts(kubectl)
    apply(kubectl)
    rights.give()
    works_again(kubectl)
    assert restarts(kubectl) == before

    def unowned() -> str | None:
        found = kubectl.get(WEBHOOK, CONTROLLERS[0]) or {"metadata": {}}
        owners = found["metadata"].get("ownerReferences")
        return None if owners and owners[0]["kind"] == "ClusterRole" else f"owners: {owners}"

    wait_for("the webhook to be registered for the release", unowned, 90)
