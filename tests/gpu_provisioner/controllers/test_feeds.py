"""What the provisioner watches, over an outage that outlasts every retry, in virtual time."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud.fake import FakeCloud
from gpu_provisioner.controllers.manager import SOURCES, Manager
from kaito_kube.clock import FakeClock
from kaito_kube.errors import ClusterError, Forbidden, Unavailable
from kaito_kube.fake import Call, FakeCluster
from kaito_kube.kinds import Key
from tests.simulation.provisioner import SETTINGS

pytestmark = pytest.mark.looptime

REFUSALS = {
    "401": Forbidden("Unauthorized"),
    "403": Forbidden("forbidden: cannot list resource"),
    "refused": Unavailable("no response: connection refused"),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
async def test_every_feed_hears_again_after_two_hours(refusal: ClusterError) -> None:
    down = False

    def refuse(call: Call) -> None:
        if down:
            raise refusal

    cluster, clock = FakeCluster(hook=refuse, watch_seconds=240), FakeClock()
    manager = Manager(cluster, FakeCloud(clock), clock, SETTINGS, CollectorRegistry())
    watching = asyncio.create_task(manager.watch())
    await asyncio.sleep(1000)
    assert manager.not_ready_reason() is None and manager.feeds.problem() is None
    down = True
    await asyncio.sleep(2 * 3600)
    problem = manager.feeds.problem()
    assert problem is not None and problem == manager.not_ready_reason()
    assert all(f"{source.kind.plural}: neither" in problem for source in SOURCES)
    assert len(cluster.calls) < 1000
    down = False
    for source in SOURCES:
        cluster.seed(source.kind, {"metadata": {"name": "later"}})
    await asyncio.sleep(40)
    assert all(manager.store.get(source.kind, Key("", "later")) for source in SOURCES)
    assert manager.not_ready_reason() is None and manager.feeds.problem() is None
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
