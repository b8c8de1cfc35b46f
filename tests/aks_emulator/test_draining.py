"""The drain before a machine is deleted, with an API server that counts and budgets that refuse."""

from collections.abc import Mapping
from typing import Any

import pytest

from tools.aks_emulator.machines.draining import DRAIN_SECONDS, drain
from tools.local_cluster.control_plane.kube_api import ApiError


def pod(name: str, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "default", **metadata},
        "status": {"phase": "Running"},
    }


class Cluster:
    """An API server. `refusals` is how often a budget refuses each pod, or the status to answer."""

    def __init__(self, *pods: dict[str, Any], refusals: dict[str, int] | None = None) -> None:
        self.pods = {pod["metadata"]["name"]: pod for pod in pods}
        self.refusals = refusals or {}
        self.status = 429
        self.cordoned = False
        self.seconds = 0.0

    def get(self, path: str) -> dict[str, Any]:
        assert path.endswith("fieldSelector=spec.nodeName=node-1") and self.cordoned
        return {"items": list(self.pods.values())}

    def create(self, path: str, manifest: Mapping[str, object]) -> dict[str, Any]:
        name = path.split("/")[-2]
        if self.refusals.get(name, 0) > 0:
            self.refusals[name] -= 1
            raise ApiError(self.status, "refused")
        del self.pods[name]
        return {}

    def merge(self, path: str, change: Mapping[str, object]) -> None:
        assert change == {"spec": {"unschedulable": True}}
        self.cordoned = True

    def drain(self) -> tuple[str, ...]:
        return drain(self, "node-1", clock=lambda: self.seconds, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_pods_are_evicted_except_those_that_stay_with_their_node() -> None:
    daemon = pod("daemon", ownerReferences=[{"kind": "DaemonSet"}])
    static = pod("static", annotations={"kubernetes.io/config.mirror": "x"})
    ended = {**pod("ended"), "status": {"phase": "Succeeded"}}
    cluster = Cluster(pod("web"), daemon, static, ended, pod("leaving", deletionTimestamp="now"))
    assert cluster.drain() == ()
    assert set(cluster.pods) == {"daemon", "static", "ended", "leaving"}


def test_budget_is_waited_for() -> None:
    cluster = Cluster(pod("web"), refusals={"web": 3})
    assert cluster.drain() == () and cluster.pods == {}
    assert cluster.seconds == 3


def test_pods_that_a_budget_holds_to_the_end_are_named() -> None:
    cluster = Cluster(pod("web"), pod("db"), refusals={"web": 1000})
    assert cluster.drain() == ("default/web",)
    assert cluster.seconds == DRAIN_SECONDS


def test_pod_that_is_gone_counts_as_evicted() -> None:
    cluster = Cluster(pod("web"), refusals={"web": 1})
    cluster.status = 404
    assert cluster.drain() == ()


def test_other_errors_are_raised() -> None:
    cluster = Cluster(pod("web"), refusals={"web": 1})
    cluster.status = 500
    with pytest.raises(ApiError, match="refused"):
        cluster.drain()
