import pytest

from kaito_kube.kinds import POD, Key
from kubectl_kaito.cluster.fake import FakeCluster
from tests.kubectl_kaito.cluster.behaviors import UNSERVED, ClusterBehavior


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster(missing_kinds={UNSERVED})


@pytest.fixture
def namespace() -> str:
    return "team"


class TestFakeCluster(ClusterBehavior):
    pass


def test_logs_are_cut_to_their_last_lines() -> None:
    cluster, pod = FakeCluster(), Key("team", "ws-0")
    cluster.store.seed(POD, {"metadata": {"name": "ws-0", "namespace": "team"}})
    cluster.logs[(pod, "main", True)] = "1\n2\n3\n"
    assert cluster.log(pod, "main", previous=True, lines=2) == "2\n3\n"
    assert cluster.log(pod, "main") == ""
