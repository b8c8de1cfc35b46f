"""What is sent to an API server, and how its refusals are read."""

from collections.abc import Callable

import httpx2
import pytest
from lightkube import AsyncClient
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User

from kaito_kube.errors import Throttled
from kaito_kube.kinds import POD
from kaito_kube.lightkube_cluster import LightkubeCluster

Answer = Callable[[httpx2.Request], httpx2.Response]

REFUSED = {
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


def cluster(answer: Answer) -> LightkubeCluster:
    config = KubeConfig.from_one(cluster=Cluster(server="http://api"), user=User())
    return LightkubeCluster(AsyncClient(config=config, transport=httpx2.MockTransport(answer)))


async def test_an_eviction_that_a_budget_forbids_names_the_budget() -> None:
    refusing = cluster(lambda request: httpx2.Response(429, json=REFUSED))
    with pytest.raises(Throttled) as refused:
        await refusing.evict("a", "default")
    assert str(refused.value) == (
        "Cannot evict pod as it would violate the pod's disruption budget. "
        "The disruption budget phi needs 1 healthy pods and has 1 currently"
    )


@pytest.mark.parametrize("seconds", [None, 5])
async def test_a_pod_may_be_given_less_time(seconds: int | None) -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(dict(request.url.params))
        return httpx2.Response(200, json={"kind": "Status"})

    await cluster(answer).delete(POD, "a", "default", grace_seconds=seconds)
    grace = {} if seconds is None else {"gracePeriodSeconds": str(seconds)}
    assert asked == [{"propagationPolicy": "Background", **grace}]
