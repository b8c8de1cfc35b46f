"""The official client against a real API server, with the same behavior as the fake."""

import pytest

from kaito_kube import errors
from kaito_kube.kinds import WORKSPACE
from kubectl_kaito.cluster.cluster import Cluster, ClusterChoice
from kubectl_kaito.cluster.kubernetes_cluster import connect
from tests.kubectl_kaito.cluster.behaviors import ClusterBehavior
from tests.kubectl_kaito.console import Console
from tests.workspace_controller.apiserver.sandbox import OWN_CRD
from tests.workspace_controller.given import inference_workspace
from tools.local_cluster.envtest import StandaloneApiServer


@pytest.fixture
def cluster(api: StandaloneApiServer) -> Cluster:
    return connect(ClusterChoice(kubeconfig=str(api.kubeconfig)))


@pytest.fixture
def namespace(api: StandaloneApiServer) -> str:
    api.create_namespace("team")
    return "team"


class TestKubernetesCluster(ClusterBehavior):
    pass


def test_status_reads_workspaces_of_a_real_api_server(
    api: StandaloneApiServer, cluster: Cluster, namespace: str
) -> None:
    api.install_crd(OWN_CRD)
    cluster.apply(WORKSPACE, inference_workspace())
    console = Console(cluster)
    assert console.run("status", "ws", "-n", namespace, "-o", "json").json["conditions"] == []
    assert "ws" in console.run("status", "-A").out
    broken = inference_workspace("broken")
    broken["resource"]["count"] = 0
    with pytest.raises(errors.Invalid, match=r"resource\.count"):
        cluster.apply(WORKSPACE, broken)


def test_a_cluster_without_the_crd_is_named(cluster: Cluster, api: StandaloneApiServer) -> None:
    api.remove_crd("workspaces.kaito.sh")
    result = Console(cluster).run("status")
    assert result.code == 4
    assert "does not serve Workspaces" in result.err


def test_doctor_asks_a_real_api_server_for_rights(
    api: StandaloneApiServer, cluster: Cluster, namespace: str
) -> None:
    api.install_crd(OWN_CRD)
    document = Console(cluster).run("doctor", "-n", namespace, "-o", "json").json
    found = {finding["check"]: finding for finding in document["findings"]}
    assert found["your rights"]["level"] == "OK"
    assert found["Workspace CRD"]["level"] == "OK"
    assert found["workspace-controller"]["level"] == "FAIL"
    account = connect(ClusterChoice(kubeconfig=str(api.create_account(namespace, "nobody"))))
    nobody = Console(account).run("doctor", "-n", namespace, "-o", "json").json
    rights = next(f for f in nobody["findings"] if f["check"] == "your rights")
    assert "create workspaces.kaito.sh" in rights["detail"]
