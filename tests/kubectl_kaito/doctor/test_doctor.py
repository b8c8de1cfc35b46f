"""A sound cluster passes every check, and each broken one fails the check that is about it."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.errors import Unavailable
from kaito_kube.kinds import (
    CUSTOM_RESOURCE_DEFINITION,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    LEASE,
    NODE,
    POD,
    VALIDATING_WEBHOOK,
    Key,
)
from kubectl_kaito.cluster.fake import FakeCluster
from kubectl_kaito.doctor.checks import CHECKS
from kubectl_kaito.prices.fake import FakePrices
from tests.charts.render import CHART
from tests.kubectl_kaito.console import NOW, Console, Result
from tests.kubectl_kaito.installed import NAME, RELEASE, install

CRDS = sorted(CHART.glob("charts/*/files/crds/*.yaml"))
WORKSPACES = Key("", "workspaces.kaito.sh")
DNS = {"metadata": {"name": "dns-1", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}}}
GPU_NODE = {"name": "gpu-1", "labels": {"node.kubernetes.io/instance-type": "Standard_NC4as_T4_v3"}}


def ready(status: str = "True") -> dict[str, Any]:
    return {"status": {"conditions": [{"type": "Ready", "status": status}]}}


def gpu_node(gpus: int = 1, kubelet: str = "v1.36.1") -> dict[str, Any]:
    status = {"allocatable": {"nvidia.com/gpu": str(gpus)}, "nodeInfo": {"kubeletVersion": kubelet}}
    return {"metadata": GPU_NODE, "status": status}


def sound(**variables: str) -> Console:
    cluster = FakeCluster(namespace="team")
    install(cluster, NOW, variables=variables)
    for file in CRDS:
        cluster.store.seed(CUSTOM_RESOURCE_DEFINITION, yaml.safe_load(file.read_text()))
    webhook = {"metadata": {"name": NAME}, "webhooks": [{"clientConfig": {"caBundle": "Y2E="}}]}
    cluster.store.seed(VALIDATING_WEBHOOK, webhook)
    cluster.store.seed(POD, {**DNS, **ready()})
    cluster.store.seed(NODE, gpu_node())
    return Console(cluster, prices=FakePrices(NOW, {}))


def fake(console: Console) -> FakeCluster:
    assert isinstance(console.cluster, FakeCluster)
    return console.cluster


def findings(result: Result) -> dict[str, dict[str, Any]]:
    return {finding["check"]: finding for finding in result.json["findings"]}


def test_a_sound_cluster_passes_every_check() -> None:
    result = sound().run("doctor")
    assert result.code == 0, result.out
    assert "Nothing stands in the way." in result.out
    levels = {f["level"] for f in sound().run("doctor", "-o", "json").json["findings"]}
    assert levels == {"OK"}
    for check in CHECKS:
        assert check in result.out


def no_crd(console: Console) -> None:
    fake(console).store.change(CUSTOM_RESOURCE_DEFINITION, WORKSPACES, None)


def old_crd(console: Console) -> None:
    crd = fake(console).store.peek(CUSTOM_RESOURCE_DEFINITION, WORKSPACES.name)
    assert crd is not None
    for version in crd["spec"]["versions"]:
        del version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["tuning"]
    fake(console).store.seed(CUSTOM_RESOURCE_DEFINITION, crd)


def unserved_version(console: Console) -> None:
    crd = fake(console).store.peek(CUSTOM_RESOURCE_DEFINITION, WORKSPACES.name)
    assert crd is not None
    crd["spec"]["versions"] = [v for v in crd["spec"]["versions"] if v["name"] == "v1alpha1"]
    fake(console).store.seed(CUSTOM_RESOURCE_DEFINITION, crd)


def no_controller(console: Console) -> None:
    fake(console).store.change(DEPLOYMENT, Key(RELEASE, NAME), None)


def crashing_controller(console: Console) -> None:
    install(fake(console), NOW, available=0)


def one_replica(console: Console) -> None:
    install(fake(console), NOW, available=1)


def no_leader(console: Console) -> None:
    lease = {"spec": {"renewTime": "2026-01-01T11:00:00Z"}}
    fake(console).store.change(LEASE, Key(RELEASE, NAME), lease)


def no_webhook(console: Console) -> None:
    fake(console).store.change(VALIDATING_WEBHOOK, Key("", NAME), None)


def no_claims(console: Console) -> None:
    fake(console).store.change(CUSTOM_RESOURCE_DEFINITION, Key("", "machines.karpenter.sh"), None)


def no_provisioner(console: Console) -> None:
    fake(console).store.change(DEPLOYMENT, Key(RELEASE, "kaito-gpu-provisioner"), None)


def no_device_plugin(console: Console) -> None:
    fake(console).store.seed(NODE, gpu_node(0))


def old_kubelet(console: Console) -> None:
    fake(console).store.seed(NODE, gpu_node(kubelet="v1.34.2"))


def dead_dns(console: Console) -> None:
    fake(console).store.seed(POD, {**DNS, **ready("False")})


def no_dns(console: Console) -> None:
    fake(console).store.change(POD, Key("kube-system", "dns-1"), None)


def deaf_dns(console: Console) -> None:
    """It runs outside the cluster's pods, and does not answer."""
    no_dns(console)
    fake(console).store.seed(ENDPOINT_SLICE, dns_slice(ready=False))


def dns_slice(*, ready: bool) -> dict[str, Any]:
    metadata = {
        "name": "kube-dns",
        "namespace": "kube-system",
        "labels": {"kubernetes.io/service-name": "kube-dns"},
    }
    endpoints = [{"addresses": ["172.30.0.1"], "conditions": {"ready": ready}}]
    return {"metadata": metadata, "endpoints": endpoints}


def wrong_role(console: Console) -> None:
    condition = {
        "type": "Launched",
        "status": "False",
        "reason": "CloudUnauthorized",
        "message": "identity 1-2 lacks Microsoft.ContainerService/managedClusters/agentPools/write",
    }
    claim = {
        "metadata": {"name": "wsx", "labels": {labels.WORKSPACE: "ws"}},
        "status": {"conditions": [condition]},
    }
    fake(console).store.seed(kinds.MACHINE, claim)


def registry_away(console: Console) -> None:
    message = (
        'failed to pull: Head "https://acr.example/v2/": dial tcp: lookup acr.example: no such host'
    )
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    status = {"name": "server", "image": "acr.example/x:1", "state": waiting}
    pod = {
        "metadata": {"name": "ws-0", "namespace": "team", "labels": {labels.WORKSPACE: "ws"}},
        "status": {"containerStatuses": [status]},
    }
    fake(console).store.seed(POD, pod)


def adapter_registry_away(console: Console) -> None:
    condition = {
        "type": "TuningSucceeded",
        "status": "False",
        "reason": "RegistryUnreachable",
        "message": "acr.example does not answer",
    }
    workspace = {
        "metadata": {"name": "ws", "namespace": "team"},
        "status": {"conditions": [condition]},
    }
    fake(console).store.seed(kinds.WORKSPACE, workspace)


def no_rights(console: Console) -> None:
    fake(console).denied = {kinds.WORKSPACE}


def no_prices(console: Console) -> None:
    console.prices = FakePrices(NOW, available=False)


@pytest.mark.parametrize(
    ("damage", "check", "level", "text"),
    [
        (no_crd, "Workspace CRD", "FAIL", "workspaces.kaito.sh is not installed"),
        (old_crd, "Workspace CRD", "WARN", "its status lacks tuning"),
        (unserved_version, "Workspace CRD", "FAIL", "serves v1alpha1, not v1beta1"),
        (no_controller, "workspace-controller", "FAIL", "is not installed"),
        (crashing_controller, "workspace-controller", "FAIL", "has no available pod"),
        (one_replica, "workspace-controller", "WARN", "1 of 2 pods"),
        (no_leader, "leader", "FAIL", "nobody renews Lease kaito-system/"),
        (no_webhook, "webhook", "WARN", "is not registered"),
        (no_claims, "node provisioner", "FAIL", "needs Machine (karpenter.sh/v1alpha5)"),
        (no_provisioner, "gpu-provisioner", "WARN", "is not installed"),
        (no_device_plugin, "GPUs", "FAIL", "gpu-1 advertise no nvidia.com/gpu"),
        (old_kubelet, "image volumes", "WARN", "Kubernetes 1.34"),
        (dead_dns, "DNS", "FAIL", "no DNS pod is ready"),
        (no_dns, "DNS", "WARN", "no pod with the label"),
        (deaf_dns, "DNS", "FAIL", "no server behind Service kube-system/kube-dns is ready"),
        (
            wrong_role,
            "cloud identity",
            "FAIL",
            "CloudUnauthorized of claim wsx: identity 1-2 lacks",
        ),
        (registry_away, "registries", "FAIL", "cannot pull acr.example/x:1: failed to pull"),
        (adapter_registry_away, "registries", "FAIL", "Workspace team/ws: acr.example does not"),
        (no_rights, "your rights", "WARN", "create workspaces.kaito.sh"),
        (no_prices, "prices", "WARN", "does not answer"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_damage_shows_in_the_check_that_is_about_it(
    damage: Callable[[Console], None], check: str, level: str, text: str
) -> None:
    console = sound()
    damage(console)
    result = console.run("doctor", "-o", "json")
    found = findings(result)[check]
    assert (found["level"], text in found["detail"]) == (level, True), found
    assert found["remedy"]
    others = {name for name, f in findings(result).items() if f["level"] == "FAIL"} - {check}
    # Without a running controller nobody leads; and here the whole release is down.
    release = {"leader", "gpu-provisioner"}
    assert others <= (release if check == "workspace-controller" else set())
    assert result.code == (1 if level == "FAIL" else 0)
    assert found["remedy"] in console.run("doctor").out


def test_an_image_that_does_not_exist_is_not_blamed_on_the_registry() -> None:
    console = sound()
    registry_away(console)
    waiting = {"reason": "ErrImagePull", "message": "acr.example/x:1: not found"}
    status = {"name": "server", "image": "acr.example/x:1", "state": {"waiting": waiting}}
    patch = {"status": {"containerStatuses": [status]}}
    fake(console).store.change(POD, Key("team", "ws-0"), patch)
    assert findings(console.run("doctor", "-o", "json"))["registries"]["level"] == "OK"


def test_a_dns_outside_the_clusters_pods_is_found_by_its_addresses() -> None:
    console = sound()
    no_dns(console)
    fake(console).store.seed(ENDPOINT_SLICE, dns_slice(ready=True))
    found = findings(console.run("doctor", "-o", "json"))["DNS"]
    assert (found["level"], found["detail"]) == (
        "OK",
        "1 server behind Service kube-system/kube-dns",
    )


def test_own_nodes_need_no_claims_and_no_provisioner() -> None:
    console = sound(KAITO_NODE_PROVISIONER="byo")
    no_claims(console)
    no_provisioner(console)
    found = findings(console.run("doctor", "-o", "json"))
    assert found["node provisioner"]["level"] == found["gpu-provisioner"]["level"] == "OK"


def test_copied_models_need_no_image_volumes() -> None:
    console = sound(KAITO_MODEL_DELIVERY="init-copy")
    old_kubelet(console)
    assert findings(console.run("doctor", "-o", "json"))["image volumes"]["level"] == "OK"


def test_what_may_not_be_read_is_not_checked_and_says_so() -> None:
    console = sound()
    fake(console).denied = {CUSTOM_RESOURCE_DEFINITION, DEPLOYMENT, NODE, VALIDATING_WEBHOOK, POD}
    result = console.run("doctor", "-o", "json")
    assert result.code == 0
    unread = [n for n, f in findings(result).items() if f["detail"].startswith("not checked")]
    assert set(unread) >= {"Workspace CRD", "workspace-controller", "leader", "webhook", "GPUs"}


def test_a_cluster_that_is_away_is_no_finding() -> None:
    console = sound()
    fake(console).outage = Unavailable("https://10.0.0.1 does not answer: timed out")
    assert console.run("doctor").code == 3
