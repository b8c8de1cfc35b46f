"""The real workspace-controller in a process of the simulation. Its webhook is not served, and an
informer takes the place of kopf, which has a thread and a connection of its own."""

import asyncio
from dataclasses import dataclass

from kaito_kube.informer import WatchSource, run_informer
from kaito_kube.kinds import WORKSPACE
from tests.simulation.api_client import ApiClient
from tests.simulation.api_server import ApiServer
from tests.simulation.judge import Judge
from tests.simulation.replica import Life
from tests.simulation.stage import Stage
from workspace_controller.__main__ import build, run_until
from workspace_controller.settings import NodeProvisioner, PodSettings, Settings

_IMAGE = PodSettings(image="registry/image:1")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceController:
    stage: Stage
    server: ApiServer
    judge: Judge
    nodes: NodeProvisioner

    async def main(self, life: Life) -> None:
        settings = Settings(
            pod_name=life.name,
            node_provisioner=self.nodes,
            tuner=_IMAGE,
            model_server=_IMAGE,
            gateway=_IMAGE,
        )
        cluster = ApiClient(self.stage, self.server, life.process, self.judge)
        made = build(settings, cluster, life.clock, life.rng)
        work = {
            "kopf": run_informer(cluster, made.store, WatchSource(WORKSPACE), life.rng),
            "informers": made.controller.run_informers(),
            "leader election": made.run_leader_election(),
        }
        await run_until(asyncio.Event(), work)
