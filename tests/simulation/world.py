"""The composition of a run and its course: a storm, then a calm in which everything must settle."""

import asyncio
import random

from kaito_api import conditions
from kaito_kube.fake import Event
from kaito_kube.kinds import EVENT, LEASE, POD
from tests.simulation import foreign_pools
from tests.simulation.api_server import ApiServer
from tests.simulation.arm import Arm
from tests.simulation.arm_client import Azure
from tests.simulation.call_rates import RateBounds
from tests.simulation.chaos import Chaos
from tests.simulation.check_jobs import CheckJobs
from tests.simulation.claim_creator import ClaimCreator
from tests.simulation.controller import WorkspaceController
from tests.simulation.deployments import Deployments
from tests.simulation.fault_injector import Fault, FaultInjector
from tests.simulation.final_state import FinalState, unsettled
from tests.simulation.foreign_finalizers import ForeignFinalizers
from tests.simulation.invariants import CLAIMS, CONTROLLER, InvariantChecker
from tests.simulation.keep_rules import KeepRules
from tests.simulation.loop import LoopClock, VirtualLoop
from tests.simulation.machines import Machines
from tests.simulation.node_pods import NodePods
from tests.simulation.policy import Policy
from tests.simulation.power import ClusterPower, PowerCycle
from tests.simulation.process import API
from tests.simulation.provisioner import NAME, SETTINGS, Compose, Provisioner, compose
from tests.simulation.region import PLENTY, Region
from tests.simulation.release import Release
from tests.simulation.replica import SKEW, Main, Replica
from tests.simulation.rollout_judge import RolloutJudge, unsettled_servings
from tests.simulation.schedule import Schedule
from tests.simulation.simulation import Simulation
from tests.simulation.story import Story
from tests.simulation.upstream_claims import UpstreamClaims
from tests.simulation.user import User
from tests.simulation.violation import Violation, ViolationKind
from tests.simulation.workspaces import Workspaces
from workspace_controller.settings import NodeProvisioner

# In the calm everything must settle within the first time and then stay unchanged for the second.
_SETTLE_TIMEOUT_SECONDS = 5400.0
_UNCHANGED_SECONDS = 300.0


class World:
    def __init__(
        self,
        loop: VirtualLoop,
        schedule: Schedule,
        *,
        verbose: bool = False,
        composition: Compose = compose,
    ) -> None:
        rng = random.Random(f"run {schedule.seed}")
        injector = FaultInjector(rng, schedule.faults, schedule.density)
        self.schedule = schedule
        self.story = Story(loop, verbose)
        self.sim = sim = Simulation(loop, rng, injector, self.story, LoopClock(loop))
        self.server = ApiServer(sim)
        self.cluster = self.server.cluster
        self.region = Region(sim)
        self.machines = Machines(sim, self.cluster)
        self.power = ClusterPower(sim, self.machines)
        self.machines.steady = self.power.steady
        self.arm = Arm(sim, self.region, self.machines, self.power.steady)
        self.arm.take_name = lambda name: foreign_pools.take(sim, self.arm, self.cluster, name)
        self.pods = NodePods(sim, self.cluster)
        self.machines.on_ready, self.machines.on_gone = self.pods.start, self.pods.end
        self.server.on_eviction = self.pods.evicting
        self.finalizers = ForeignFinalizers(sim, self.cluster)
        self.checker = InvariantChecker(
            sim,
            self.server,
            self.arm,
            KeepRules(sim, self.arm, SETTINGS.timeouts, _lag(schedule), self.pods.by_node),
            _rate_bounds(schedule),
            self._end_run,
            released=self.finalizers.released,
            machines=self.machines.by_node,
        )
        provisioner = Provisioner(
            sim=sim,
            server=self.server,
            azure=Azure(self.arm, self.power),
            checker=self.checker,
            lease=schedule.lease,
            composition=composition,
        )
        self.replicas = self._replicas("replica", schedule.replicas, provisioner.main)
        self.release = Release(sim)
        self.creator: ClaimCreator | Workspaces = ClaimCreator(sim, self.cluster)
        if schedule.controllers:
            nodes = rng.choice((NodeProvisioner.MACHINE, NodeProvisioner.NODECLAIM))
            self.rollouts = RolloutJudge(sim, self.server, self.checker)
            self.deployments = Deployments(sim, self.server, self.power.steady, self.rollouts)
            checks = CheckJobs(sim, self.server, self.power.steady, self.checker.keep_rules.lag)
            self.checker.why_unchecked = checks.why_unchecked
            self.creator = Workspaces(sim, self.cluster, nodes, checks)
            asking = WorkspaceController(
                sim=sim,
                server=self.server,
                checker=self.checker,
                nodes=nodes,
                release=self.release,
            )
            self.release.controllers = self._replicas(CONTROLLER, schedule.controllers, asking.main)
            self.replicas += self.release.controllers
        self.user = User(sim, self.creator, self.arm, self.machines, schedule.most_claims)
        self.cycle = PowerCycle(sim, self.arm, self.machines, self.power, self)
        self.chaos = Chaos(
            sim,
            self.server,
            self.arm,
            self.machines,
            Policy(sim, self.arm),
            self.replicas,
            self.region,
            self.user,
            self.cycle.begin,
            self.release.upgrade_any,
        )
        self.leader = ""
        self.leaders = 0
        self._writes = 0
        self._end: asyncio.Future[None] = loop.create_future()
        self.cluster.listen(self._changed)

    def _replicas(self, name: str, count: int, main: Main) -> list[Replica]:
        names = [f"{name}-{number + 1}" for number in range(count)]
        return [Replica(name, self.sim, self.checker, main) for name in names]

    async def run(self) -> None:
        """Run until everything has settled or an invariant is violated."""
        course = asyncio.ensure_future(self._course())
        await asyncio.wait((course, self._end), return_when=asyncio.FIRST_COMPLETED)
        if course.done():
            course.result()
        await self.close()

    async def close(self) -> None:
        """End every process and the remaining tasks of those that died before."""
        for replica in self.replicas:
            replica.go_down("the run is over")
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def ready(self) -> list[str]:
        """The names of the claims that report Ready."""
        claims = [claim for kind in CLAIMS for claim in self.server.all(kind)]
        return [c["metadata"]["name"] for c in claims if conditions.is_true(c, "Ready")]

    async def _course(self) -> None:
        await self.storm()
        self.calm_down()
        await self.settle()

    async def storm(self) -> None:
        sim, schedule = self.sim, self.schedule
        self.begin()
        ends = sim.now + schedule.storm
        while sim.now < ends:
            self.user.act()
            self.checker.check_orphans()
            await asyncio.sleep(sim.rng.expovariate(1 / 60))

    def begin(self) -> None:
        """Start the replicas and create other people's pools and the first workspace."""
        for replica in self.replicas:
            self.sim.later(self.sim.between(0, 3), replica.start)
        names = self.creator.make_any(self.sim.rng.randint(1, self.schedule.most_claims))
        if self.sim.injector.is_enabled(Fault.UPSTREAM) and isinstance(self.creator, ClaimCreator):
            self.sim.injector.record(Fault.UPSTREAM)
            found = UpstreamClaims(self.sim, self.arm, self.cluster, self.machines, self.creator)
            found.create(self.sim.rng.choice((1, 2, 3)))
        foreign_pools.create(self.sim, self.arm, self.cluster, self._foreign_names(names[0]))
        self.chaos.begin()

    def calm_down(self) -> None:
        """Stop injecting faults, and end those that last for a while."""
        sim = self.sim
        sim.tell("weather", "calms down")
        sim.injector.is_calm = True
        for family in self.region.limits:
            self.region.limits[family] = PLENTY
        self.region.withheld.clear()
        self.region.withheld_zones.clear()
        for kind in CLAIMS:
            self.chaos.serve(kind)
        self.release.correct()
        for replica in self.replicas:
            if (process := replica.process) is not None and process.alive:
                process.resume()
                process.reconnect(API)
            replica.come_up()

    async def settle(self) -> None:
        sim = self.sim
        ends = sim.now + _SETTLE_TIMEOUT_SECONDS
        while (open_ := self._unsettled()) or not await self._is_steady():
            if sim.now > ends:
                for violation in open_:
                    self.checker.report(violation.kind, violation.about, violation.what)
                if not open_:
                    self.checker.report(ViolationKind.STUCK, "", "objects are written without end")
                return
            await asyncio.sleep(15)

    def _unsettled(self) -> list[Violation]:
        found = unsettled(FinalState(self.server, self.arm, self.checker, self.creator.desired))
        if self.schedule.controllers:
            found.extend(
                unsettled_servings(self.server, self.deployments, self.release, self.rollouts)
            )
        return found

    def go_down(self) -> None:
        for replica in self.replicas:
            replica.go_down("goes down with the cluster")

    def come_up(self) -> None:
        for replica in self.replicas:
            self.sim.later(self.sim.between(0, 60), replica.come_up)

    async def _is_steady(self) -> bool:
        """Whether nothing is written for some minutes, except Leases, Events and pods.

        A check of broken data is restarted for ever, which must not change the status.
        """
        before = self._writes
        await asyncio.sleep(_UNCHANGED_SECONDS)
        return self._writes == before

    def _changed(self, event: Event) -> None:
        if event.kind not in (LEASE, EVENT, POD):
            self._writes += 1
        if event.kind is LEASE and event.change.manifest["metadata"]["name"] == NAME:
            leader = event.change.manifest["spec"].get("holderIdentity", "")
            if leader and leader != self.leader:
                self.leader, self.leaders = leader, self.leaders + 1
                self.sim.tell(leader, "leads")

    def _foreign_names(self, name: str) -> list[str]:
        """Names of other people's pools: one similar to a claim's, and rarely the claim's own."""
        rng, count = self.sim.rng, self.schedule.foreign_pools
        own = name if rng.random() < 0.2 else name[:-1] + "z"
        return [own, "gpupool1"][:count]

    def _end_run(self) -> None:
        if not self._end.done():
            self._end.set_result(None)


def _rate_bounds(schedule: Schedule) -> RateBounds:
    return RateBounds(
        arm_calls_per_minute=150 + 20 * schedule.most_claims,
        arm_calls_per_claim=40,
        api_writes_per_minute=300,
    )


def _lag(schedule: Schedule) -> float:
    """How old a process's knowledge may be under the schedule's faults.

    It is as old as a delayed watch event or a stale list. A leader that cannot reach the API server
    acts on old knowledge until its lease has expired. A timestamp from another machine's clock may
    be wrong by the difference between two clocks.
    """
    faults = schedule.faults
    lag = 5.0
    lag += 25.0 if Fault.WATCH_LATE in faults else 0.0
    lag += 60.0 if Fault.STALE_OBJECTS in faults else 0.0
    lag += 15.0 if Fault.API_SLOW in faults else 0.0
    lag += 30.0 if {Fault.ARM_SLOW, Fault.STALE_POOLS} & faults else 0.0
    lag += 2 * SKEW if Fault.SKEW in faults else 0.0
    lag += schedule.lease if {Fault.PARTITION, Fault.CRASH, Fault.PAUSE} & faults else 0.0
    return lag
