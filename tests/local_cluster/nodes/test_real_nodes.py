"""Real nodes of the local cluster run pods and leave nothing behind.

The pods run kubectl, the only available program that is both a web server and a client.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tools.local_cluster import cluster, topology
from tools.local_cluster.addons import oci_images
from tools.local_cluster.control_plane.kube_api import KubeApi
from tools.local_cluster.host import mounts, network
from tools.local_cluster.nodes import lifecycle, membership
from tools.local_cluster.nodes.membership import NodeSpec, Taint
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import cgroups, waiting

pytestmark = pytest.mark.cluster

PATHS = Paths.from_env(os.environ)
SPECS = tuple(
    NodeSpec(
        name=f"local-cluster-test-{n}",
        labels={"agentpool": "test", "kubernetes.io/role": "agent"},
        taints=(Taint("sku", "gpu", "NoSchedule"),),
        gpus=n,
        instance_type="Standard_NC6s_v3",
        provider_id=f"azure:///test/{n}",
    )
    for n in (1, 2)
)
WEB = f"{topology.REGISTRY}/local-cluster-test/kubectl:1"
PAGES = f"{topology.REGISTRY}/local-cluster-test/pages:1"
NAMESPACE = "local-cluster-test"


def kubectl(*words: str, stdin: str = "") -> str:
    done = subprocess.run(argv(*words), input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


def argv(*words: str) -> list[str]:
    return [str(PATHS.bin / "kubectl"), f"--kubeconfig={PATHS.kubeconfig}", "-n", NAMESPACE, *words]


def first_answer(client: list[str]) -> str:
    """What `client` prints once it succeeds.

    A Ready pod gets traffic only when each node's kube-proxy has seen its EndpointSlice.
    """
    attempts: list[subprocess.CompletedProcess[str]] = []

    def succeeds() -> bool:
        attempts.append(subprocess.run(client, capture_output=True, text=True, check=False))
        return attempts[-1].returncode == 0

    assert waiting.until(succeeds, 30, 0.5), f"{client}: {attempts[-1].stderr}"
    return attempts[-1].stdout


def manifests() -> str:
    """A web server on the node with two GPUs, with pages from an image, and its Service."""
    serve = ["proxy", "--address=0.0.0.0", "--port=8080", "--accept-hosts=.*", "--www=/pages"]
    container = {
        "name": "web",
        "image": WEB,
        "args": [*serve, "--www-prefix=/static/"],
        "resources": {"limits": {"nvidia.com/gpu": 2}},
        "volumeMounts": [{"name": "pages", "mountPath": "/pages", "subPath": "data"}],
        "readinessProbe": {"httpGet": {"path": "/static/hello", "port": 8080}},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "tolerations": [{"key": "sku", "operator": "Exists"}],
            "containers": [container],
            "volumes": [{"name": "pages", "image": {"reference": PAGES}}],
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, service]})


@pytest.fixture(scope="module")
def api() -> Iterator[KubeApi]:
    """The API of a cluster with both test nodes and the test namespace."""
    cluster.up(PATHS)
    program = (PATHS.bin / "kubectl").read_bytes()
    web = oci_images.from_program("kubectl", program, [])
    oci_images.push(web, "local-cluster-test/kubectl", "1")
    pages = oci_images.from_program("data/hello", b"hello from an image volume", [])
    oci_images.push(pages, "local-cluster-test/pages", "1")
    with ThreadPoolExecutor() as pool:
        list(pool.map(membership.add, SPECS))
    client = KubeApi(PATHS.pki)
    kubectl("create", "namespace", NAMESPACE)
    yield client
    kubectl("delete", "namespace", NAMESPACE)
    for spec in SPECS:
        membership.remove(spec.name, delete_object=True)


def node(api: KubeApi, spec: NodeSpec) -> dict[str, Any]:
    return api.get(f"/api/v1/nodes/{spec.name}")


def test_node_joins_as_specified(api: KubeApi) -> None:
    for spec in SPECS:
        found = node(api, spec)
        labels = found["metadata"]["labels"]
        assert spec.all_labels.items() <= labels.items()
        assert {"key": "sku", "value": "gpu", "effect": "NoSchedule"} in found["spec"]["taints"]
        assert found["spec"]["providerID"] == spec.provider_id
        assert found["status"]["allocatable"]["nvidia.com/gpu"] == str(spec.gpus)


def test_repeated_up_and_add_change_nothing(api: KubeApi) -> None:
    config = PATHS.node(SPECS[0].name) / "config" / "kube-proxy.json"
    before, written = cluster.status(PATHS), config.stat().st_mtime_ns
    cluster.up(PATHS)
    membership.add(SPECS[0])
    assert cluster.status(PATHS) == before
    # Otherwise its kube-proxy would exit within 15 seconds.
    assert config.stat().st_mtime_ns == written
    assert before.is_healthy


def test_pod_serves_from_an_image_volume_to_host_and_pods(api: KubeApi) -> None:
    kubectl("apply", "-f", "-", stdin=manifests())
    kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=60s")
    assert json.loads(kubectl("get", "pod/web", "-o", "json"))["spec"]["nodeName"] == SPECS[1].name
    address = kubectl("get", "service/web", "-o", "jsonpath={.spec.clusterIP}")
    page, greeting = "/static/hello", "hello from an image volume"
    client = [str(PATHS.bin / "kubectl"), f"--server=http://{address}", "get", "--raw", page]
    assert first_answer(client) == greeting
    by_name = ["/kubectl", f"--server=http://web.{NAMESPACE}.svc", "get", "--raw", page]
    assert first_answer(argv("exec", "web", "--", *by_name)) == greeting
    assert "Starting to serve" in kubectl("logs", "web")


def test_killed_kubelet_is_restarted_and_its_pods_keep_running(api: KubeApi) -> None:
    started = kubectl("get", "pod/web", "-o", "jsonpath={.status.startTime}")
    pidfile = PATHS.pids / f"{SPECS[1].name}.kubelet.json"
    os.kill(json.loads(pidfile.read_text())["pid"], 9)
    assert waiting.until(lambda: not lifecycle.is_running(PATHS, SPECS[1].name), 5)
    cluster.up(PATHS)
    assert cluster.status(PATHS).is_healthy
    assert kubectl("get", "pod/web", "-o", "jsonpath={.status.startTime}") == started


def test_removed_node_leaves_nothing_on_the_machine(api: KubeApi) -> None:
    spec = SPECS[1]
    index = lifecycle.indexes(PATHS)[spec.name]
    membership.remove(spec.name, delete_object=True)
    membership.remove(spec.name, delete_object=True)
    assert spec.name not in membership.names()
    assert topology.netns(spec.name) not in network.namespaces()
    assert [topology.pod_range(index)] not in network.routes()
    assert not Path(f"/sys/class/net/{topology.veth(index)}").exists()
    assert not mounts.below(PATHS.node(spec.name)) + mounts.below(PATHS.node_run(index))
    assert not PATHS.node(spec.name).exists()
    assert not list(cgroups.folders(topology.cgroup(spec.name)))
