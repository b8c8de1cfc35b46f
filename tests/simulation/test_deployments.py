"""The simulated Deployment controller writes the status that decisions rest on."""

import random

from kaito_kube.kinds import DEPLOYMENT, Key
from tests.simulation.api_server import ApiServer
from tests.simulation.deployments import Deployments, Serving
from tests.simulation.fault_injector import FaultInjector
from tests.simulation.loop import LoopClock, VirtualLoop
from tests.simulation.simulation import Simulation
from tests.simulation.story import Story

KEY = Key("default", "phi")
CONTAINER = {"name": "model-server", "image": "registry/model-server:1"}


class _Nobody:
    def on_new_template(self, serving: Serving, image: str) -> None: ...

    def on_ready(self, serving: Serving) -> None: ...

    def on_deployment_gone(self, serving: Serving) -> None: ...


def test_change_of_annotations_alone_is_observed() -> None:
    loop, rng = VirtualLoop(), random.Random(0)
    injector = FaultInjector(rng, frozenset(), 1.0)
    sim = Simulation(loop, rng, injector, Story(loop), LoopClock(loop))
    server = ApiServer(sim)
    Deployments(sim, server, steady=lambda: True, observer=_Nobody())
    template = {"metadata": {"labels": {}}, "spec": {"containers": [CONTAINER]}}
    metadata = {"name": KEY.name, "namespace": KEY.namespace}
    server.cluster.seed(
        DEPLOYMENT, {"metadata": metadata, "spec": {"replicas": 1, "template": template}}
    )
    sim.later(10, server.cluster.change, DEPLOYMENT, KEY, {"metadata": {"annotations": {"a": "b"}}})
    sim.later(60, loop.stop)
    loop.run_forever()
    found = server.find(DEPLOYMENT, KEY.name, KEY.namespace)
    assert found is not None
    assert found["metadata"]["generation"] == 2 == found["status"]["observedGeneration"]
    loop.close()
