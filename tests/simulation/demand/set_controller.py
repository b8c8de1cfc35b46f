"""What reconciles InferenceSets in the real workspace-controller, in a simulated process."""

import asyncio
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from kaito_kube.events import EventRecorder
from kaito_kube.fenced_cluster import FencedCluster
from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import INFERENCE_SET, WORKSPACE
from kaito_kube.leader_election import Leadership, LeaseConfig, run_as_leader
from kaito_kube.store import Store
from kaito_kube.work_queue import RateLimit
from kaito_skus.prices import PriceBook
from tests.simulation.api_client import ApiClient
from tests.simulation.api_server import ApiServer
from tests.simulation.demand.scaling_judge import ScalingJudge
from tests.simulation.demand.simulated_gateway import Listener
from tests.simulation.replica import ReplicaContext
from tests.simulation.simulation import Simulation
from workspace_controller.__main__ import run_until
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.recommendations import Recommendations
from workspace_controller.inference_sets.load_client import FakeLoadClient
from workspace_controller.inference_sets.queue import build_set_queue
from workspace_controller.metrics import Metrics

_KINDS = (INFERENCE_SET, WORKSPACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetController:
    """`listeners` are the processes that front doors report to, by replica."""

    sim: Simulation
    server: ApiServer
    judge: ScalingJudge
    listeners: dict[str, Listener]

    async def main(self, context: ReplicaContext) -> None:
        cluster = ApiClient(self.sim, self.server, context.process, self.judge, context.adopt_time)
        store, leadership = Store(), Leadership()
        fence = FencedCluster(cluster, leadership)
        demand = CurrentDemand(self.sim.loop.time)
        recommendations = Recommendations(demand, store, context.clock)
        queue, ticker = build_set_queue(
            fence,
            store,
            context.clock,
            FakeLoadClient(),
            EventRecorder(fence, context.clock, "kaito-workspace-controller", context.name),
            Metrics(CollectorRegistry()),
            RateLimit(),
            context.rng,
            recommendations,
            PriceBook,
        )

        async def lead() -> None:
            await store.wait_until_synced(_KINDS)
            queue.start()
            try:
                await ticker.run()
            finally:
                await queue.stop()

        self.listeners[context.name] = Listener(context.process, demand)
        lease = LeaseConfig(name="sets", namespace="kaito", identity=context.name)
        informers = {
            kind.plural: run_informer(cluster, store, WatchSource(kind), context.rng)
            for kind in _KINDS
        }
        await run_until(
            asyncio.Event(),
            {
                **informers,
                "recommendations": recommendations.run(),
                "leader election": run_as_leader(cluster, context.clock, lease, lead, leadership),
            },
        )
