"""Injects faults into processes, the network and the region, each at its own rate."""

from collections.abc import Callable
from dataclasses import dataclass

from kaito_kube.kinds import CUSTOM_RESOURCE_DEFINITION, MACHINE, NODE_CLAIM, Key, Kind, Manifest
from tests.simulation.api_server import ApiServer
from tests.simulation.arm import Arm
from tests.simulation.fault_injector import Fault
from tests.simulation.machines import Machines
from tests.simulation.policy import Policy
from tests.simulation.process import API
from tests.simulation.region import A100, PLENTY, TYPES, V100, ZONES, Region
from tests.simulation.replica import Replica
from tests.simulation.simulation import Simulation
from tests.simulation.user import User

REGION = "region"


@dataclass(eq=False)
class Chaos:
    """`cycle` starts a stop and start of the cluster, `upgrade` an upgrade of the release."""

    sim: Simulation
    server: ApiServer
    arm: Arm
    machines: Machines
    policy: Policy
    replicas: list[Replica]
    region: Region
    user: User
    cycle: Callable[[], None]
    upgrade: Callable[[], None]

    def begin(self) -> None:
        for replica in self.replicas:
            replica.on_exit.append(self._died)
        for fault, mean, action in (
            (Fault.CRASH, 240, self._crash),
            (Fault.OUTAGE, 900, self._outage),
            (Fault.PAUSE, 400, self._pause),
            (Fault.PARTITION, 300, self._partition),
            (Fault.CLOCK_SET, 200, self._set_clock),
            (Fault.WATCH_CUT, 200, self._cut_watches),
            (Fault.QUOTA, 500, self._quota),
            (Fault.SKU, 600, self._sku),
            (Fault.ZONES, 200, self._zone),
            (Fault.SPOT, 200, self._evict),
            (Fault.STOP_START, 600, self.cycle),
            (Fault.UPGRADE, 300, self.upgrade),
            (Fault.MARKS_LOST, 150, self.policy.strip_any),
            (Fault.KIND_ABSENT, 500, self._remove_kind),
        ):
            if self.sim.injector.is_enabled(fault):
                self._schedule(fault, mean, action)

    def _schedule(self, fault: Fault, mean: float, action: Callable[[], None]) -> None:
        def struck() -> None:
            if self.sim.injector.is_enabled(fault):
                action()
                self._schedule(fault, mean, action)

        seconds = self.sim.rng.expovariate(self.sim.injector.density / mean)
        self.sim.later(seconds, struck)

    def _crash(self) -> None:
        replica = self.sim.rng.choice(self.replicas)
        if replica.is_up and replica.process is not None:
            self.sim.injector.record(Fault.CRASH)
            replica.process.kill("killed")

    def _outage(self) -> None:
        if not all(replica.should_run for replica in self.replicas):
            return
        self.sim.injector.record(Fault.OUTAGE)
        for replica in self.replicas:
            replica.go_down("goes down for a while")
            self.sim.later(self.sim.between(60, 900), replica.come_up)

    def _pause(self) -> None:
        process = self.sim.rng.choice(self.replicas).process
        if process is not None and process.alive and not process.paused:
            self.sim.injector.record(Fault.PAUSE)
            seconds = self.sim.between(5, 120)
            self.sim.tell(process.name, f"stands still for {seconds:.0f} s")
            process.pause()
            self.sim.later(seconds, process.resume)

    def _partition(self) -> None:
        process = self.sim.rng.choice(self.replicas).process
        if process is not None and process.alive and API not in process.disconnected_from:
            self.sim.injector.record(Fault.PARTITION)
            seconds = self.sim.between(3, 90)
            self.sim.tell(process.name, f"is cut off the API server for {seconds:.0f} s")
            process.disconnect(API)
            self.sim.later(seconds, process.reconnect, API)

    def _set_clock(self) -> None:
        """Somebody sets the time of day of a machine on which a replica runs."""
        replica = self.sim.rng.choice(self.replicas)
        seconds = self.sim.rng.choice((-1, 1)) * self.sim.between(600, 7200)
        self.sim.injector.record(Fault.CLOCK_SET)
        self.sim.tell(replica.name, f"its machine's clock is set by {seconds:+.0f} s")
        replica.machine_clock.set_by(seconds)

    def _cut_watches(self) -> None:
        for replica in self.replicas:
            if replica.process is not None:
                for connection in list(replica.process.connections):
                    connection.reset()

    def _quota(self) -> None:
        """Other machines use up the quota, and release it later."""
        family = self.sim.rng.choice((V100.family, A100.family))
        limit = self.region.used[family] + self.sim.rng.choice((0, 6, 12))
        self.sim.injector.record(Fault.QUOTA)
        self.sim.tell(REGION, f"quota of {family} is down to {limit}")
        self.region.limits[family] = limit
        self.sim.later(self.sim.between(60, 900), self._restore, family)

    def _restore(self, family: str) -> None:
        self.region.limits[family] = PLENTY
        self.sim.tell(REGION, f"quota of {family} is back")

    def _sku(self) -> None:
        name = self.sim.rng.choice(list(TYPES))
        self.sim.injector.record(Fault.SKU)
        self.sim.tell(REGION, f"{name} is withheld")
        self.region.withheld.add(name)
        self.sim.later(self.sim.between(60, 900), self.region.withheld.discard, name)

    def _zone(self) -> None:
        """A zone has no more machines of a type for a while."""
        name, zone = offering = self.sim.rng.choice(list(TYPES)), self.sim.rng.choice(ZONES)
        self.sim.injector.record(Fault.ZONES)
        self.sim.tell(REGION, f"{name} is withheld in zone {zone}")
        self.region.withheld_zones.add(offering)
        self.sim.later(self.sim.between(60, 900), self.region.withheld_zones.discard, offering)

    def _evict(self) -> None:
        """Azure takes all spot machines back. Their pools stay as they are."""
        vms = [pool.vm for pool in self.arm.pools.values() if pool.spot]
        for vm in vms:
            if vm is not None and vm.joined and not vm.gone:
                self.sim.injector.record(Fault.SPOT)
                self.sim.tell(REGION, f"{vm.node} is evicted", vm.pool)
                self.machines.remove(vm)

    def _remove_kind(self) -> None:
        """A kind of claims is not served for a while, as when its CRD is replaced."""
        missing = self.server.cluster.missing_kinds
        if missing:
            return
        kind = self.sim.rng.choice((MACHINE, NODE_CLAIM))
        self.sim.injector.record(Fault.KIND_ABSENT)
        self.sim.tell(API, f"{kind} is not served any more")
        missing.add(kind)
        definition = Key("", _definition(kind)["metadata"]["name"])
        if self.server.find(CUSTOM_RESOURCE_DEFINITION, definition.name, "") is not None:
            self.server.cluster.change(CUSTOM_RESOURCE_DEFINITION, definition, None)
        self._cut_watches()
        if self.sim.rng.random() < 0.5:
            # As in an upgrade: those that start now have never seen the kind.
            for replica in self.replicas:
                if replica.process is not None:
                    replica.process.kill("killed as the kind went")
        self.sim.later(self.sim.between(10, 1800), self.serve, kind)

    def serve(self, kind: Kind) -> None:
        if kind in self.server.cluster.missing_kinds:
            self.sim.tell(API, f"{kind} is served again")
            self.server.cluster.missing_kinds.remove(kind)
            # What waits for the kind watches CRDs.
            self.server.cluster.seed(CUSTOM_RESOURCE_DEFINITION, _definition(kind))

    def _died(self) -> None:
        """Perhaps delete everything while the controllers are down."""
        sim = self.sim
        if not sim.injector.is_enabled(Fault.USER_DELETES_WHILE_DOWN):
            return
        if any(replica.is_up for replica in self.replicas) and sim.rng.random() < 0.5:
            return
        if sim.rng.random() < 0.4:
            sim.later(sim.between(0.01, 5), self.user.delete_everything)


def _definition(kind: Kind) -> Manifest:
    versions = [{"name": kind.version, "served": True}]
    return {"metadata": {"name": f"{kind.plural}.{kind.group}"}, "spec": {"versions": versions}}
