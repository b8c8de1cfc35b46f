"""Requests that lightkube sends, and how its errors are translated."""

from collections.abc import Callable

import httpx2
import pytest
from lightkube import AsyncClient
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User

from kaito_kube.errors import Throttled
from kaito_kube.kinds import POD
from kaito_kube.lightkube_cluster import LightkubeCluster

Handler = Callable[[httpx2.Request], httpx2.Response]

EVICTION_REJECTED = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "message": "Cannot evict pod as it would violate the pod's disruption budget.",
    "reason": "TooManyRequests",
    "details": {
        "causes": [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget phi needs 1 healthy pods and has 1 currently",
            }
        ]
    },
    "code": 429,
}


def cluster(handler: Handler) -> LightkubeCluster:
    config = KubeConfig.from_one(cluster=Cluster(server="http://api"), user=User())
    return LightkubeCluster(AsyncClient(config=config, transport=httpx2.MockTransport(handler)))


async def test_rejected_eviction_names_the_disruption_budget() -> None:
    budgeted = cluster(lambda request: httpx2.Response(429, json=EVICTION_REJECTED))
    with pytest.raises(Throttled) as error:
        await budgeted.evict("a", "default")
    assert str(error.value) == (
        "Cannot evict pod as it would violate the pod's disruption budget. "
        "The disruption budget phi needs 1 healthy pods and has 1 currently"
    )


@pytest.mark.parametrize("seconds", [None, 5])
async def test_grace_period_is_sent_only_when_given(seconds: int | None) -> None:
    requests: list[dict[str, str]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        requests.append(dict(request.url.params))
        return httpx2.Response(200, json={"kind": "Status"})

    await cluster(handler).delete(POD, "a", "default", grace_seconds=seconds)
    grace = {} if seconds is None else {"gracePeriodSeconds": str(seconds)}
    assert requests == [{"propagationPolicy": "Background", **grace}]
