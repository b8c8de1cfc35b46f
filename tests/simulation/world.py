"""Everything of one run, put together, and its course: a storm, then a calm in which all must
come to rest."""

import asyncio
import random

from kaito_api import conditions
from kaito_kube.fake import Event
from kaito_kube.kinds import EVENT, LEASE
from tests.simulation import foreign
from tests.simulation.api_server import ApiServer
from tests.simulation.arm import Arm
from tests.simulation.arm_client import Azure
from tests.simulation.chaos import Chaos
from tests.simulation.controller import WorkspaceController
from tests.simulation.ending import Truth, unsettled
from tests.simulation.judge import CLAIMS, CONTROLLER, Bounds, Judge, Verdict
from tests.simulation.loop import LoopClock, VirtualLoop
from tests.simulation.machines import Machines
from tests.simulation.owner import Owner
from tests.simulation.power import ClusterPower, Cycle
from tests.simulation.process import API
from tests.simulation.provisioner import NAME, SETTINGS, Compose, Provisioner, compose
from tests.simulation.replica import SKEW, Main, Replica
from tests.simulation.schedule import Schedule
from tests.simulation.sold import PLENTY, Region
from tests.simulation.stage import Stage
from tests.simulation.story import Story
from tests.simulation.user import User
from tests.simulation.weather import Fault, Weather
from tests.simulation.workspaces import Workspaces
from workspace_controller.settings import NodeProvisioner

# In the calm everything has to come to rest within this time, and to stay there.
_LONGEST_CALM = 5400.0
_STEADY = 300.0


class World:
    def __init__(
        self,
        loop: VirtualLoop,
        schedule: Schedule,
        *,
        verbose: bool = False,
        put_together: Compose = compose,
    ) -> None:
        rng = random.Random(f"run {schedule.seed}")
        weather = Weather(rng, schedule.faults, schedule.density)
        self.schedule = schedule
        self.story = Story(loop, verbose)
        self.stage = stage = Stage(loop, rng, weather, self.story, LoopClock(loop))
        self.server = ApiServer(stage)
        self.cluster = self.server.cluster
        self.region = Region(stage)
        self.machines = Machines(stage, self.cluster)
        self.power = ClusterPower(stage, self.machines)
        self.machines.steady = self.power.steady
        self.arm = Arm(stage, self.region, self.machines, self.power.steady)
        self.judge = Judge(
            stage,
            self.server,
            self.arm,
            self.power,
            SETTINGS.timeouts,
            _bounds(schedule),
            self._over,
        )
        provisioner = Provisioner(
            stage=stage,
            server=self.server,
            azure=Azure(self.arm, self.power),
            judge=self.judge,
            lease=schedule.lease,
            put_together=put_together,
        )
        self.replicas = self._replicas("replica", schedule.replicas, provisioner.main)
        self.owner: Owner | Workspaces = Owner(stage, self.cluster)
        if schedule.controllers:
            nodes = rng.choice((NodeProvisioner.MACHINE, NodeProvisioner.NODECLAIM))
            self.owner = Workspaces(stage, self.cluster, nodes)
            asking = WorkspaceController(
                stage=stage, server=self.server, judge=self.judge, nodes=nodes
            )
            self.replicas += self._replicas(CONTROLLER, schedule.controllers, asking.main)
        self.user = User(stage, self.owner, self.arm, self.machines, schedule.most_claims)
        self.cycle = Cycle(stage, self.arm, self.machines, self.power, self)
        self.chaos = Chaos(stage, self.replicas, self.region, self.user, self.cycle.begin)
        self.leader = ""
        self.leaders = 0
        self._writes = 0
        self._end: asyncio.Future[None] = loop.create_future()
        self.cluster.listen(self._changed)

    def _replicas(self, name: str, count: int, main: Main) -> list[Replica]:
        names = [f"{name}-{number + 1}" for number in range(count)]
        return [Replica(name, self.stage, self.judge, main) for name in names]

    async def run(self) -> None:
        """Until all is at rest, or something is wrong."""
        course = asyncio.ensure_future(self._course())
        await asyncio.wait((course, self._end), return_when=asyncio.FIRST_COMPLETED)
        if course.done():
            course.result()
        await self.close()

    async def close(self) -> None:
        """Ends every process, and what is left in memory of those that died before."""
        for replica in self.replicas:
            replica.go_down("the run is over")
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def ready(self) -> list[str]:
        """Names of the claims that say so."""
        claims = [claim for kind in CLAIMS for claim in self.server.all(kind)]
        return [c["metadata"]["name"] for c in claims if conditions.is_true(c, "Ready")]

    async def _course(self) -> None:
        await self.storm()
        self.calm_down()
        await self.come_to_rest()

    async def storm(self) -> None:
        stage, schedule = self.stage, self.schedule
        self.begin()
        ends = stage.now + schedule.storm
        while stage.now < ends:
            self.user.act()
            self.judge.patrol()
            await asyncio.sleep(stage.rng.expovariate(1 / 60))

    def begin(self) -> None:
        """Replicas, other people's pools, and the first workspace."""
        for replica in self.replicas:
            self.stage.later(self.stage.between(0, 3), replica.start)
        names = self.owner.make_any(self.stage.rng.randint(1, self.schedule.most_claims))
        foreign.settle(self.stage, self.arm, self.cluster, self._foreign_names(names[0]))
        self.chaos.begin()

    def calm_down(self) -> None:
        """From now on nothing goes wrong any more, and what was broken for a while is mended."""
        stage = self.stage
        stage.tell("weather", "calms down")
        stage.weather.calm = True
        for family in self.region.limits:
            self.region.limits[family] = PLENTY
        self.region.withheld.clear()
        for replica in self.replicas:
            if (process := replica.process) is not None and process.alive:
                process.go_on()
                process.heal(API)
            replica.come_up()

    async def come_to_rest(self) -> None:
        stage = self.stage
        ends = stage.now + _LONGEST_CALM
        while (open_ := unsettled(self.truth)) or not await self._is_steady():
            if stage.now > ends:
                for violation in open_:
                    self.judge.complain(violation.verdict, violation.about, violation.what)
                if not open_:
                    self.judge.complain(Verdict.STUCK, "", "objects are written without end")
                return
            await asyncio.sleep(15)

    @property
    def truth(self) -> Truth:
        return Truth(self.server, self.arm, self.judge, self.owner.wanted)

    def go_down(self) -> None:
        for replica in self.replicas:
            replica.go_down("goes down with the cluster")

    def come_up(self) -> None:
        for replica in self.replicas:
            self.stage.later(self.stage.between(0, 60), replica.come_up)

    async def _is_steady(self) -> bool:
        """Whether nobody writes anything for some minutes, leases apart."""
        before = self._writes
        await asyncio.sleep(_STEADY)
        return self._writes == before

    def _changed(self, event: Event) -> None:
        if event.kind is not LEASE and event.kind is not EVENT:
            self._writes += 1
        if event.kind is LEASE and event.change.manifest["metadata"]["name"] == NAME:
            leader = event.change.manifest["spec"].get("holderIdentity", "")
            if leader and leader != self.leader:
                self.leader, self.leaders = leader, self.leaders + 1
                self.stage.tell(leader, "leads")

    def _foreign_names(self, name: str) -> list[str]:
        """One much like a claim's; rarely the claim's own."""
        rng, count = self.stage.rng, self.schedule.foreign_pools
        own = name if rng.random() < 0.2 else name[:-1] + "z"
        return [own, "gpupool1"][:count]

    def _over(self) -> None:
        if not self._end.done():
            self._end.set_result(None)


def _bounds(schedule: Schedule) -> Bounds:
    """Knowledge is as old as the latest watch event or list may be, and a leader that cannot reach
    the API server acts on what it knew until its lease is worth nothing. A moment that another
    machine's clock told may be wrong by the difference of two clocks."""
    faults = schedule.faults
    lag = 5.0
    lag += 25.0 if Fault.WATCH_LATE in faults else 0.0
    lag += 60.0 if Fault.STALE_OBJECTS in faults else 0.0
    lag += 15.0 if Fault.API_SLOW in faults else 0.0
    lag += 30.0 if {Fault.ARM_SLOW, Fault.STALE_POOLS} & faults else 0.0
    lag += 2 * SKEW if Fault.SKEW in faults else 0.0
    lag += schedule.lease if {Fault.PARTITION, Fault.CRASH, Fault.PAUSE} & faults else 0.0
    return Bounds(
        lag=lag,
        arm_calls_per_minute=150 + 20 * schedule.most_claims,
        arm_calls_per_claim=40,
        api_writes_per_minute=300,
    )
