"""The real workspace-controller in a simulated process.

Its webhook is not served, and an informer replaces kopf, which has its own thread and connection.
"""

import asyncio
from dataclasses import dataclass

from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import WORKSPACE
from tests.simulation.api_client import ApiClient
from tests.simulation.api_server import ApiServer
from tests.simulation.invariants import InvariantChecker
from tests.simulation.release import Release
from tests.simulation.replica import ReplicaContext
from tests.simulation.simulation import Simulation
from workspace_controller.__main__ import build, run_until
from workspace_controller.settings import NodeProvisioner, PodSettings, Settings

_IMAGE = PodSettings(image="registry/image:1")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceController:
    sim: Simulation
    server: ApiServer
    checker: InvariantChecker
    nodes: NodeProvisioner
    release: Release

    async def main(self, context: ReplicaContext) -> None:
        settings = Settings(
            pod_name=context.name,
            node_provisioner=self.nodes,
            tuner=_IMAGE,
            model_server=PodSettings(image=self.release.image),
            gateway=_IMAGE,
        )
        cluster = ApiClient(
            self.sim, self.server, context.process, self.checker, context.adopt_time
        )
        made = build(settings, cluster, context.clock, context.rng)
        work = {
            "kopf": run_informer(cluster, made.store, WatchSource(WORKSPACE), context.rng),
            "informers": made.controller.run_informers(made.feeds),
            "leader election": made.run_leader_election(),
        }
        await run_until(asyncio.Event(), work)
