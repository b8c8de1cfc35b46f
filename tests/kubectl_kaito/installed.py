"""The release as Helm installs it: its Deployments with status, and the leader's Lease."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from kaito_api.conditions import rfc3339
from kaito_kube.fake import deep_copy
from kaito_kube.kinds import DEPLOYMENT, LEASE, Manifest
from kubectl_kaito.cluster.fake import FakeCluster
from tests.charts.render import render

NAME = "kaito-workspace-controller"
RELEASE = "kaito-system"


@cache
def _deployments() -> list[Manifest]:
    return [manifest for manifest in render() if manifest["kind"] == "Deployment"]


def install(
    cluster: FakeCluster,
    now: datetime,
    *,
    available: int = 2,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Seeds what the commands read of a release. Without `available` replicas nobody leads.

    `variables` replace environment variables of the Deployments.
    """
    for rendered in _deployments():
        deployment = deep_copy(rendered)
        for container in deployment["spec"]["template"]["spec"]["containers"]:
            for variable in container.get("env", ()):
                if variable["name"] in (variables or {}):
                    variable["value"] = (variables or {})[variable["name"]]
        deployment["status"] = {"availableReplicas": available}
        cluster.store.seed(DEPLOYMENT, deployment)
    renew(cluster, now, holder="replica-1" if available else "")


def renew(cluster: FakeCluster, now: datetime, *, holder: str = "replica-1") -> None:
    """The Lease as its holder left it at that time."""
    spec = {"holderIdentity": holder, "renewTime": rfc3339(now), "leaseDurationSeconds": 15}
    cluster.store.seed(LEASE, {"metadata": {"name": NAME, "namespace": RELEASE}, "spec": spec})
