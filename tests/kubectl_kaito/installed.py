"""The release as Helm installs it: its Deployments with status, and the leader's Lease."""

from datetime import datetime

from kaito_api.conditions import rfc3339
from kaito_kube.kinds import DEPLOYMENT, LEASE
from kubectl_kaito.cluster.fake import FakeCluster
from tests.charts.render import render

NAME = "kaito-workspace-controller"
RELEASE = "kaito-system"


def install(cluster: FakeCluster, now: datetime, *, available: int = 2) -> None:
    """Seeds what the commands read of a release. Without `available` replicas nobody leads."""
    for manifest in render():
        if manifest["kind"] == "Deployment":
            running = {**manifest, "status": {"availableReplicas": available}}
            cluster.store.seed(DEPLOYMENT, running)
    renew(cluster, now, holder="replica-1" if available else "")


def renew(cluster: FakeCluster, now: datetime, *, holder: str = "replica-1") -> None:
    """The Lease as its holder left it at that time."""
    spec = {"holderIdentity": holder, "renewTime": rfc3339(now), "leaseDurationSeconds": 15}
    cluster.store.seed(LEASE, {"metadata": {"name": NAME, "namespace": RELEASE}, "spec": spec})
