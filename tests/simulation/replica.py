"""A replica of gpu-provisioner: the real composition, in a process that is started again whenever
it ends."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from prometheus_client import CollectorRegistry

from gpu_provisioner.cloud import CloudProvider
from gpu_provisioner.operator import Operator
from gpu_provisioner.pacing.paced_cloud import PacedCloud
from gpu_provisioner.settings import Settings
from kaito_kube.cluster import Cluster
from kaito_kube.lease import LeaseTerms
from tests.simulation.api_client import ApiClient
from tests.simulation.api_server import ApiServer
from tests.simulation.arm_client import ArmClient, Azure
from tests.simulation.judge import Judge, Verdict
from tests.simulation.loop import LoopClock
from tests.simulation.process import Process
from tests.simulation.stage import Stage
from tests.simulation.weather import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What replicas live in. `settings` are theirs, `lease` the terms of leadership."""

    stage: Stage
    server: ApiServer
    azure: Azure
    judge: Judge
    settings: Settings
    lease: LeaseTerms


Compose = Callable[[Cluster, CloudProvider, LoopClock, Settings, random.Random], Operator]


def compose(
    cluster: Cluster,
    cloud: CloudProvider,
    clock: LoopClock,
    settings: Settings,
    rng: random.Random,
) -> Operator:
    """As __main__ does it."""
    paced = PacedCloud(cloud, clock, settings.budget)
    return Operator(cluster, paced, clock, settings, CollectorRegistry(), rng)


class Replica:
    """`wanted` is whether it is started again when it ends."""

    def __init__(self, name: str, around: Surroundings, put_together: Compose = compose) -> None:
        self.name = name
        self.process: Process | None = None
        self.wanted = True
        self.deaths: list[Callable[[], None]] = []
        self._around = around
        self._compose = put_together
        self._lives = 0
        weather = around.stage.weather
        self._skew = around.stage.between(-30, 30) if weather.knows(Fault.SKEW) else 0.0

    @property
    def is_up(self) -> bool:
        return self.process is not None and self.process.alive

    def start(self) -> None:
        if self.is_up or not self.wanted:
            return
        self._lives += 1
        stage, process = self._around.stage, Process(self._around.stage.loop, self.name, self._died)
        self.process = process
        stage.tell(self.name, "starts")
        process.start(lambda: self._main(process))

    def go_down(self, why: str) -> None:
        """And stays down."""
        self.wanted = False
        if self.process is not None:
            self.process.kill(why)

    def come_up(self) -> None:
        self.wanted = True
        self.start()

    async def _main(self, process: Process) -> None:
        around, stage = self._around, self._around.stage
        cluster = ApiClient(stage, around.server, process, around.judge)
        cloud = ArmClient(stage, around.azure, process, around.judge)
        clock = LoopClock(stage.loop, self._skew)
        rng = random.Random(f"{self.name} {self._lives} {stage.rng.random()}")
        settings = replace(around.settings, pod_name=self.name)
        operator = self._compose(cluster, cloud, clock, settings, rng)
        await operator.run(replace(around.lease, identity=self.name))

    def _died(self, process: Process, why: str) -> None:
        stage = self._around.stage
        stage.tell(self.name, why)
        if why.startswith("ended by"):
            self._around.judge.complain(Verdict.STUCK, "", f"{self.name} {why}")
        for told in self.deaths:
            told()
        if self.wanted:
            long = stage.rng.random() < 0.1 and not stage.weather.calm
            stage.later(stage.between(60, 600) if long else stage.between(1, 30), self.start)
