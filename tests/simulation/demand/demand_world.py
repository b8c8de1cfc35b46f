"""Clients, front doors and InferenceSets: a storm, a calm under load, and one without load."""

import asyncio
import random

from kaito_api import labels
from kaito_kube.kinds import INFERENCE_SET, WORKSPACE, Manifest, labels_of
from tests.simulation.api_server import ApiServer
from tests.simulation.demand.clients import Clients
from tests.simulation.demand.model_replicas import ModelReplicas
from tests.simulation.demand.scaling_judge import ScalingJudge
from tests.simulation.demand.set_controller import SetController
from tests.simulation.demand.simulated_gateway import Listener, SimulatedGateway
from tests.simulation.fault_injector import Fault, FaultInjector
from tests.simulation.loop import LoopClock, VirtualLoop
from tests.simulation.process import API
from tests.simulation.replica import SKEW, Replica
from tests.simulation.schedule import Schedule
from tests.simulation.simulation import Simulation
from tests.simulation.story import Story
from tests.simulation.violation import ViolationKind

_NAMESPACE = "team"
_TARGET, _MIN, _MAX = 10, 1, 4
_UP_SECONDS, _DOWN_SECONDS = 30, 300
# The longest start of a replica is half an hour; after a window it is known that nobody asks.
_CALM_SECONDS = 900.0
_IDLE_SECONDS = 2700.0


class DemandWorld:
    def __init__(self, loop: VirtualLoop, schedule: Schedule, *, verbose: bool = False) -> None:
        rng = random.Random(f"demand {schedule.seed}")
        injector = FaultInjector(rng, schedule.faults, schedule.density)
        self.schedule = schedule
        self.story = Story(loop, verbose)
        self.sim = sim = Simulation(loop, rng, injector, self.story, LoopClock(loop))
        self.server = ApiServer(sim)
        self._end: asyncio.Future[None] = loop.create_future()
        self.models = ModelReplicas(sim, self.server)
        skew = 2 * SKEW if Fault.SKEW in schedule.faults else 0.0
        self.checker = ScalingJudge(sim, self.server, self.models, skew + 5, self._end_run)
        self.listeners: dict[str, Listener] = {}
        self.doors = [
            SimulatedGateway(f"door-{number + 1}", sim, self.listeners, self.models.is_serving)
            for number in range(rng.choice((1, 2, 3)))
        ]
        controller = SetController(
            sim=sim, server=self.server, judge=self.checker, listeners=self.listeners
        )
        self.replicas = [
            Replica(f"controller-{number + 1}", sim, self.checker, controller.main)
            for number in range(rng.choice((1, 2, 2)))
        ]
        for number in range(rng.choice((1, 2))):
            name = f"set-{number + 1}"
            model = f"{_NAMESPACE}/{name}"
            self.checker.clients[model] = Clients(sim, model, self.doors)
            self.server.cluster.seed(INFERENCE_SET, _inference_set(name))
        self.leaders = 0

    async def run(self) -> None:
        """Runs until everything has settled or a change is judged to be wrong."""
        course = asyncio.ensure_future(self._course())
        await asyncio.wait((course, self._end), return_when=asyncio.FIRST_COMPLETED)
        if course.done():
            course.result()
        for replica in self.replicas:
            replica.go_down("the run is over")
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _course(self) -> None:
        self._begin()
        await asyncio.sleep(2 * self.schedule.storm)
        self._calm_down()
        load = self.sim.rng.choice((5, 15, 38))
        for clients in self.checker.clients.values():
            clients.set_load(load)
        await asyncio.sleep(_CALM_SECONDS)
        self._expect(load, at_least=True)
        for clients in self.checker.clients.values():
            clients.set_load(0)
        await asyncio.sleep(_IDLE_SECONDS)
        self._expect(0, at_least=False)

    def _begin(self) -> None:
        for replica in self.replicas:
            self.sim.later(self.sim.between(0, 3), replica.start)
        for door in self.doors:
            door.start()
        for clients in self.checker.clients.values():
            clients.begin()
        for fault, mean, action in (
            (Fault.CRASH, 400, self._crash),
            (Fault.CRASH, 400, self._crash_door),
            (Fault.PAUSE, 400, self._pause),
            (Fault.PARTITION, 300, self._partition),
            (Fault.PARTITION, 200, self._cut_off),
            (Fault.CLOCK_SET, 200, self._set_clock),
            (Fault.OUTAGE, 900, self._outage),
        ):
            if self.sim.injector.is_enabled(fault):
                self._schedule(fault, mean, action.__name__)

    def _schedule(self, fault: Fault, mean: float, action: str) -> None:
        def strike() -> None:
            if self.sim.injector.is_enabled(fault):
                self.sim.injector.record(fault)
                getattr(self, action)()
                self._schedule(fault, mean, action)

        self.sim.later(self.sim.rng.expovariate(self.sim.injector.density / mean), strike)

    def _crash(self) -> None:
        process = self.sim.rng.choice(self.replicas).process
        if process is not None:
            process.kill("killed")

    def _crash_door(self) -> None:
        door = self.sim.rng.choice(self.doors)
        if door.is_up:
            door.crash()
            self.sim.later(self.sim.between(1, 60), door.start)

    def _pause(self) -> None:
        process = self.sim.rng.choice(self.replicas).process
        if process is not None and process.alive and not process.paused:
            seconds = self.sim.between(5, 60)
            self.sim.tell(process.name, f"stands still for {seconds:.0f} s")
            process.pause()
            self.sim.later(seconds, process.resume)

    def _partition(self) -> None:
        process = self.sim.rng.choice(self.replicas).process
        if process is not None and process.alive:
            seconds = self.sim.between(3, 90)
            self.sim.tell(process.name, f"is cut off the API server for {seconds:.0f} s")
            process.disconnect(API)
            self.sim.later(seconds, process.reconnect, API)

    def _cut_off(self) -> None:
        """A front door cannot reach a controller for a while."""
        door, replica = self.sim.rng.choice(self.doors), self.sim.rng.choice(self.replicas)
        seconds = self.sim.between(3, 90)
        self.sim.tell(door.name, f"is cut off {replica.name} for {seconds:.0f} s")
        door.cut_off.add(replica.name)
        self.sim.later(seconds, door.cut_off.discard, replica.name)

    def _set_clock(self) -> None:
        replica = self.sim.rng.choice(self.replicas)
        replica.machine_clock.set_by(self.sim.rng.choice((-1, 1)) * self.sim.between(600, 7200))

    def _outage(self) -> None:
        for replica in self.replicas:
            replica.go_down("goes down for a while")
            self.sim.later(self.sim.between(60, 600), replica.come_up)

    def _calm_down(self) -> None:
        self.sim.tell("weather", "calms down")
        self.sim.injector.is_calm = True
        for replica in self.replicas:
            if (process := replica.process) is not None and process.alive:
                process.resume()
                process.reconnect(API)
            replica.come_up()
        for door in self.doors:
            door.cut_off.clear()
            if not door.is_up:
                door.start()

    def _expect(self, load: int, *, at_least: bool) -> None:
        """As many replicas as the load needs, or at least so many while some still start."""
        wanted = min(max(-(-load // _TARGET), _MIN), _MAX)
        for manifest in self.server.all(INFERENCE_SET):
            name, replicas = manifest["metadata"]["name"], manifest["spec"]["replicas"]
            if replicas < wanted or (not at_least and replicas > wanted):
                what = f"{replicas} replicas and not {wanted}, with {load} requests at once"
                self.checker.report(ViolationKind.STUCK, name, what)
            there = [
                workspace
                for workspace in self.server.all(WORKSPACE)
                if labels_of(workspace)[labels.CREATED_BY_SET] == name
            ]
            if not at_least and len(there) > wanted:
                what = f"{len(there)} Workspaces, and nobody asks for more than {wanted}"
                self.checker.report(ViolationKind.LEAKED, name, what)

    def _end_run(self) -> None:
        if not self._end.done():
            self._end.set_result(None)


def _inference_set(name: str) -> Manifest:
    return {
        "apiVersion": INFERENCE_SET.api_version,
        "kind": INFERENCE_SET.kind,
        "metadata": {"name": name, "namespace": _NAMESPACE},
        "spec": {
            "replicas": 1,
            "autoscaling": {
                "minReplicas": _MIN,
                "maxReplicas": _MAX,
                "targetRequests": _TARGET,
                "scaleUpWindowSeconds": _UP_SECONDS,
                "scaleDownWindowSeconds": _DOWN_SECONDS,
            },
            "labelSelector": {"matchLabels": {"app": name}},
            "template": {
                "resource": {"instanceType": "Standard_NC24ads_A100_v4"},
                "inference": {"preset": {"name": "phi-3-mini-128k-instruct"}},
            },
        },
    }
